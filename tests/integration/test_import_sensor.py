"""The sensor that shows how far an import of past days is, in the language of the house."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.wisun_route_b.const import CONF_IDENTITY, DOMAIN

from .conftest import entry_for, set_up

NOW = datetime(2030, 5, 20, 1, 30, tzinfo=UTC)
#: The beginning of yesterday in Japan.
YESTERDAY = datetime(2030, 5, 18, 15, tzinfo=UTC)
SENSORS = ("imported_energy", "exported_energy")
ORDER = {"import_days": 30, "import_left": [*SENSORS]}
BEGUN = ORDER | {"import_since": (NOW.replace(minute=0) - timedelta(days=30)).isoformat()}
DONE = {"days": 30, "hours": 719, "energy": {"imported_energy": 301.25, "exported_energy": 80.0}}


def reached(days: int) -> dict[str, str]:
    return dict.fromkeys(SENSORS, (YESTERDAY - timedelta(days=days)).isoformat())


@pytest.fixture(autouse=True)
def _now(freezer: FrozenDateTimeFactory) -> None:
    freezer.move_to(NOW)


@pytest.mark.usefixtures("dongle")
@pytest.mark.parametrize(
    ("language", "stored", "expected"),
    [
        ("en", {}, ("none", {})),
        ("en", ORDER, ("waiting", {})),
        ("en", BEGUN | {"import_reached": reached(0)}, ("1 of 30 days", {"days_done": 1})),
        ("en", BEGUN | {"import_reached": reached(11)}, ("12 of 30 days", {"days_done": 12})),
        (
            "ja",
            BEGUN | {"import_reached": reached(11)},
            ("12/30日分", {"days": 30}),
        ),
        ("en", {"imported": DONE}, ("done", {"hours": 719, "imported_energy": 301.25})),
        ("en", {"imported": DONE | {"hours": "many"}}, ("none", {})),
        ("en", BEGUN | {"import_reached": "all"}, ("waiting", {})),
    ],
)
async def test_state_says_how_far_it_is(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    language: str,
    stored: dict[str, Any],
    expected: tuple[str, dict[str, object]],
) -> None:
    hass.config.language = language
    entry = entry_for()
    key = f"{DOMAIN}.{entry.data[CONF_IDENTITY]}.history"
    hass_storage[key] = {"version": 1, "minor_version": 1, "key": key, "data": stored}

    await set_up(hass, entry)

    names = ("History import", "履歴の取り込み")
    (shown,) = [found for found in hass.states.async_all("sensor") if found.name.endswith(names)]
    state, attributes = expected
    assert shown.state == state
    assert shown.attributes.items() >= attributes.items()
