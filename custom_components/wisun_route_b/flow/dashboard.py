"""The switch of the forms that adds the meter to the Energy dashboard."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import BooleanSelector
import probatio

from ..const import CONF_CARRY_OVER, CONF_DASHBOARD
from ..energy_dashboard import async_has_grid_source, async_in_grid, has_dashboard

_SWITCH: Final = BooleanSelector()


async def async_suggestion(hass: HomeAssistant, replaced: Collection[str] = ()) -> bool | None:
    """Return whether a form has the switch on; None if Home Assistant has no dashboard.

    It is off where another grid connection would stand beside it, and be counted as well:
    all but one that shows sensors that are ``replaced``.
    """
    if not has_dashboard(hass):
        return None
    return bool(await async_in_grid(hass, replaced)) or not await async_has_grid_source(hass)


def switch(*, suggestion: bool | None) -> dict[Any, Any]:
    """Return the field of a form; none if there is no dashboard."""
    if suggestion is None:
        return {}
    return {probatio.Required(CONF_DASHBOARD, default=suggestion): _SWITCH}


async def async_is_wanted(
    hass: HomeAssistant, answers: Mapping[str, Any], theirs: Collection[str] = ()
) -> bool:
    """Return whether the meter is to be added.

    Not beside the sensors of another integration that are to stay: all would be counted twice.
    """
    wanted = bool(answers.get(CONF_DASHBOARD))
    if wanted and not answers.get(CONF_CARRY_OVER, True):
        return not await async_in_grid(hass, theirs)
    return wanted
