"""The question how many past days of the meter's history are to be imported: a choice of three."""

from enum import StrEnum
from typing import Final

from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from ..const import CONF_IMPORT_DAYS
from ..stack import readings


class ImportChoice(StrEnum):
    """What the forms offer."""

    NONE = "none"
    MONTH = "month"
    ALL = "all"
    """Everything that the meter remembers."""


_DAYS: Final = {
    ImportChoice.NONE: 0,
    ImportChoice.MONTH: 30,
    ImportChoice.ALL: readings.HISTORY_DAYS,
}
SELECTOR: Final = SelectSelector(
    SelectSelectorConfig(
        options=[*ImportChoice],
        mode=SelectSelectorMode.DROPDOWN,
        translation_key=CONF_IMPORT_DAYS,
    )
)
#: What a form of a new meter suggests.
SUGGESTED: Final = ImportChoice.MONTH


def days_of(answer: str) -> int:
    """Return how many days an answer means; ValueError for what is not offered."""
    return _DAYS[ImportChoice(answer)]


def choice_of(days: int) -> ImportChoice:
    """Return the smallest choice that covers so many days, as an older version may have stored."""
    return next(choice for choice, covered in _DAYS.items() if days <= covered)
