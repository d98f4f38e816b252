"""When sessions were ended: a meter needs a pause before the next sign-in."""

from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .entry_data import names_of_home

#: Identity of a meter -> seconds of the event loop's clock. Outlives the entry, which may
#: be set up again right after its removal.
_SESSION_ENDS: Final[HassKey[dict[str, float]]] = HassKey(f"{DOMAIN}_session_ends")


@callback
def note_session_end(hass: HomeAssistant, identity: str, ended: float) -> None:
    """Note when this meter's session was ended, in seconds of the loop's clock.

    ``identity`` is that of an entry, or the fingerprint of the credentials. They differ once
    the home has got a new Route-B ID; the next sign-in may use either of them.
    """
    known = hass.data.setdefault(_SESSION_ENDS, {})
    for name in _names_of_home(hass, identity):
        known[name] = max(ended, known.get(name, ended))


@callback
def session_ended_at(hass: HomeAssistant, *identities: str) -> float | None:
    """Return when a session of this meter was ended last, in seconds of the loop's clock.

    None if no end is known by any of these identities.
    """
    known = hass.data.get(_SESSION_ENDS, {})
    return max((known[name] for name in identities if name in known), default=None)


def _names_of_home(hass: HomeAssistant, identity: str) -> set[str]:
    names = {identity}
    for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False):
        names_there = names_of_home(entry)
        if identity in names_there:
            names |= names_there
    return names
