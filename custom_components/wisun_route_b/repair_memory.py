"""What the repair of the history remembers over a restart."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .repair_report import REPORT_KEYS, Json
from .stack import JST

_VERSION: Final = 1


def _store(hass: HomeAssistant, identity: str) -> Store[dict[str, Json]]:
    return Store(hass, _VERSION, f"{DOMAIN}.{identity}.history")


async def forget_repairs(hass: HomeAssistant, identity: str) -> None:
    """Remove what was remembered of a meter that is removed."""
    await _store(hass, identity).async_remove()


class RepairMemory:
    """How far each sensor's history is known to be right, and what was done last."""

    def __init__(self, hass: HomeAssistant, identity: str) -> None:
        """Remember nothing yet."""
        self._store = _store(hass, identity)
        self._saved_on: object = None
        self.verified: dict[str, datetime] = {}
        """By the sensor's key: the start of the last hour that was compared."""
        self.last_repair: dict[str, Json] | None = None
        """The last report that was worth telling, as :meth:`RepairReport.as_dict`."""
        self.import_days: int | None = None
        """Days before the installation that are still to be imported."""

    async def async_load(self) -> None:
        """Read what an earlier run left; what makes no sense is compared again."""
        stored = await self._store.async_load()
        if not isinstance(stored, dict):
            return
        self.verified = _moments(stored.get("verified"))
        report, days = stored.get("last_repair"), stored.get("import_days")
        if isinstance(report, dict) and report.keys() >= REPORT_KEYS:
            self.last_repair = report
        self.import_days = days if isinstance(days, int) else None

    async def async_save(self) -> None:
        """Write everything down."""
        self._saved_on = _day()
        await self._store.async_save(
            {
                "verified": {key: moment.isoformat() for key, moment in self.verified.items()},
                "last_repair": self.last_repair,
                "import_days": self.import_days,
            }
        )

    async def async_advance(self, verified: Mapping[str, datetime]) -> None:
        """Note how far the history is right; on the disk once a day, which is often enough.

        What is forgotten is compared again.
        """
        self.verified.update(verified)
        if self._saved_on != _day():
            await self.async_save()


def _moments(stored: Json) -> dict[str, datetime]:
    """Return the moments that are aware; a naive one cannot be compared with the rows'."""
    if not isinstance(stored, dict):
        return {}
    parsed = {
        key: dt_util.parse_datetime(told) for key, told in stored.items() if isinstance(told, str)
    }
    return {key: moment for key, moment in parsed.items() if moment and moment.tzinfo}


def _day() -> object:
    return dt_util.utcnow().astimezone(JST).date()
