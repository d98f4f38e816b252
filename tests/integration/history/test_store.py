"""Every number of the notes on the history has bounds; beyond them it counts as forgotten."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.wisun_route_b.const import DOMAIN
from custom_components.wisun_route_b.history.store import BackfillStore

NOW = datetime(2030, 5, 20, 1, 30, tzinfo=UTC)
KEYS = ("imported_energy", "exported_energy")
REPORT: dict[str, Any] = {
    "at": "2030-05-20T01:00:00+00:00",
    "occasion": "repair",
    "dry_run": False,
    "hours": 3,
    "from": None,
    "to": None,
    "sensors": {"imported_energy": {"energy": 1.5}},
}
BELIEVED = [timedelta(), timedelta(minutes=9), -timedelta(days=100)]
NOT_BELIEVED = [timedelta(minutes=11), timedelta(hours=26), -timedelta(days=102)]


@pytest.fixture(autouse=True)
def _now(freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NOW)


async def loaded(
    hass: HomeAssistant, hass_storage: dict[str, Any], **data: object
) -> BackfillStore:
    """Return what is remembered after a start with this file on the disk."""
    key = f"{DOMAIN}.meter.history"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": data}
    memory = BackfillStore(hass, "meter")
    await memory.async_load(KEYS)
    return memory


@pytest.mark.parametrize("field", ["verified", "failing_since", "import_since"])
@pytest.mark.parametrize("distance", BELIEVED, ids=str)
async def test_a_moment_that_can_be_is_believed(
    hass: HomeAssistant, hass_storage: dict[str, Any], field: str, distance: timedelta
) -> None:
    assert await moment_of(hass, hass_storage, field, (NOW + distance).isoformat()) == (
        NOW + distance
    )


@pytest.mark.parametrize("field", ["verified", "failing_since", "import_since"])
@pytest.mark.parametrize(
    "stored",
    [
        *((NOW + distance).isoformat() for distance in NOT_BELIEVED),
        "2030-05-20T01:00:00",
        "soon",
        3,
    ],
)
async def test_a_moment_that_cannot_be_is_forgotten(
    hass: HomeAssistant, hass_storage: dict[str, Any], field: str, stored: object
) -> None:
    assert await moment_of(hass, hass_storage, field, stored) is None


async def moment_of(
    hass: HomeAssistant, hass_storage: dict[str, Any], field: str, stored: object
) -> datetime | None:
    """Return what is made of a moment that is stored in one of the fields."""
    data = {field: {"exported_energy": stored} if field == "verified" else stored}
    memory = await loaded(hass, hass_storage, import_days=3, **data)
    found = {**vars(memory), "verified": memory.verified.get("exported_energy")}[field]
    assert found is None or isinstance(found, datetime)
    return found


@pytest.mark.parametrize(
    ("stored", "days"),
    [(1, 1), (99, 99), (100, 99), (1e8, 99), (0, None), (-5, None), (1e9, None), (True, None)],
)
async def test_days_to_import_are_1_to_99(
    hass: HomeAssistant, hass_storage: dict[str, Any], stored: object, days: int | None
) -> None:
    memory = await loaded(hass, hass_storage, import_days=stored)

    assert memory.import_days == days
    assert memory.import_left == (() if days is None else KEYS)


async def test_sensors_that_nobody_has_are_not_imported(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    left = ["exported_energy", "sold_energy", 3]
    memory = await loaded(hass, hass_storage, import_days=3, import_left=left)

    assert memory.import_left == ("exported_energy",)


@pytest.mark.parametrize(
    "damage",
    [
        {"hours": 1e9},
        {"hours": float("nan")},
        {"hours": "3"},
        {"sensors": {"imported_energy": {"energy": -1e9}}},
        {"sensors": {"imported_energy": {"energy": float("inf")}}},
        {"sensors": {"imported_energy": {}}},
        {"at": "2030-05-20T01:00:00"},
        {"from": 3},
    ],
    ids=str,
)
async def test_a_report_that_cannot_be_shown_is_forgotten(
    hass: HomeAssistant, hass_storage: dict[str, Any], damage: dict[str, Any]
) -> None:
    sound = await loaded(hass, hass_storage, last_repair=REPORT)
    assert sound.last_repair == REPORT

    memory = await loaded(hass, hass_storage, last_repair={**REPORT, **damage})

    assert memory.last_repair is None
