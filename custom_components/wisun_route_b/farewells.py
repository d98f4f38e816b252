"""When sessions were ended: a meter needs a pause before it lets anybody in again."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

#: Identity of a meter -> seconds of the event loop's clock. Outlives the entry, as somebody
#: who has removed one may set it up again at once.
_FAREWELLS: Final[HassKey[dict[str, float]]] = HassKey(f"{DOMAIN}_farewells")


@callback
def note_farewell(hass: HomeAssistant, identity: str, ended: float) -> None:
    """Remember when this meter's session was ended, in seconds of the loop's clock."""
    hass.data.setdefault(_FAREWELLS, {})[identity] = ended


@callback
def last_farewell(hass: HomeAssistant, identity: str) -> float | None:
    """Return when a session of this meter was ended last, in seconds of the loop's clock."""
    return hass.data.get(_FAREWELLS, {}).get(identity)
