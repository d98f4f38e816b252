"""Repair issues about the energy history: raised when certain, cleared when resolved."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from ..const import DOMAIN
from ..entry_data import RouteBConfigEntry
from ..help_pages import repairs_url

#: For how long every attempt must have failed.
_A_DAY: Final = timedelta(days=1)

#: The text about a clock that the meter does not show.
_CLOCK_HIDDEN: Final = "history_meter_clock_hidden"


class HistoryProblem(StrEnum):
    """Problems that prevent the correction of the energy history; keys of texts."""

    DATABASE_FAILS = "history_database_fails"
    METER_CLOCK = "history_meter_clock"
    TAKE_OVER_FAILS = "history_take_over_fails"


class HistoryIssues:
    """Raises and clears the issues of one entry."""

    def __init__(self, hass: HomeAssistant, entry: RouteBConfigEntry) -> None:
        """Start without any."""
        self._hass, self._entry = hass, entry

    @callback
    def failing(self, problem: HistoryProblem, since: datetime, now: datetime) -> None:
        """Raise an issue if every attempt has failed for a day, since the given moment."""
        if now - since >= _A_DAY:
            self._raise(problem)

    @callback
    def clock_is_off(self, minutes: int | None) -> None:
        """Report a meter's clock that is so far ahead of ours; behind is negative.

        None if the meter does not show its clock, and only its half-hours prove the offset.
        """
        if minutes is None:
            self._raise(HistoryProblem.METER_CLOCK, text=_CLOCK_HIDDEN)
        else:
            self._raise(HistoryProblem.METER_CLOCK, {"minutes": str(minutes)})

    @callback
    def clear(self, *problems: HistoryProblem) -> None:
        """Take these back, if they are there."""
        for problem in problems:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id(problem))

    def _raise(
        self,
        problem: HistoryProblem,
        more: dict[str, str] | None = None,
        *,
        text: str | None = None,
    ) -> None:
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id(problem),
            is_fixable=False,
            learn_more_url=repairs_url(self._hass),
            severity=ir.IssueSeverity.WARNING,
            translation_key=text or problem.value,
            translation_placeholders={"name": self._entry.title, **(more or {})},
        )

    def _issue_id(self, problem: HistoryProblem) -> str:
        return f"{problem.value}_{self._entry.entry_id}"
