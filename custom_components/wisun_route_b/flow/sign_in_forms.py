"""The forms of the set-up dialog, and what is wrong with what was typed into them."""

from collections.abc import Mapping
from typing import Any, Final
import unicodedata

from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    SerialPortSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import probatio

from ..const import CONF_CARRY_OVER, CONF_IMPORT_DAYS, CONF_ROUTE_B_ID
from ..stack import Credentials, errors as stack_errors
from .dashboard import switch
from .import_days import SELECTOR, SUGGESTED

#: Field of the take-over: which of several meters, by the id of its entry.
CONF_METER: Final = "meter"

_ID: Final = TextSelector(TextSelectorConfig(autocomplete="off"))
_PASSWORD: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)
#: An ID that is left blank stays as it is, and so does everything that is in the next form.
REAUTH: Final = probatio.Schema(
    {
        probatio.Required(probatio.Secret(CONF_PASSWORD)): _PASSWORD,
        probatio.Optional(CONF_ROUTE_B_ID): _ID,
    }
)
RECONFIGURE: Final = probatio.Schema(
    {
        probatio.Required(CONF_DEVICE): SerialPortSelector(),
        probatio.Optional(CONF_ROUTE_B_ID): _ID,
        probatio.Optional(probatio.Secret(CONF_PASSWORD)): _PASSWORD,
    }
)


def user(*, dashboard: bool | None) -> probatio.Schema:
    """Return the form for a new meter; ``dashboard`` is as :func:`dashboard.switch` has it."""
    return probatio.Schema(
        {
            probatio.Required(CONF_DEVICE): SerialPortSelector(),
            probatio.Required(CONF_ROUTE_B_ID): _ID,
            probatio.Required(probatio.Secret(CONF_PASSWORD)): _PASSWORD,
            **switch(suggestion=dashboard),
            probatio.Required(CONF_IMPORT_DAYS, default=SUGGESTED.value): SELECTOR,
        }
    )


def take_over(ports: Mapping[str, str], *, dashboard: bool | None) -> probatio.Schema:
    """Return the form that takes over one of these meters (id of the entry -> its port)."""
    fields: dict[Any, Any] = {}
    if len(ports) > 1:
        fields[probatio.Required(CONF_METER, default=next(iter(ports)))] = SelectSelector(
            SelectSelectorConfig(
                options=[SelectOptionDict(value=key, label=port) for key, port in ports.items()],
                mode=SelectSelectorMode.LIST,
            )
        )
    fields[probatio.Required(CONF_CARRY_OVER, default=True)] = BooleanSelector()
    fields |= switch(suggestion=dashboard)
    fields[probatio.Required(CONF_IMPORT_DAYS, default=SUGGESTED.value)] = SELECTOR
    return probatio.Schema(fields)


def typed_port(text: str) -> str:
    """Return a path or an address in ASCII, if it was typed in full-width characters."""
    narrow = unicodedata.normalize("NFKC", text).strip()
    # A Japanese keyboard types the long-vowel mark where others have the hyphen.
    return narrow.translate(dict.fromkeys(map(ord, "\u2010\u2011\u2212\u30fc"), "-"))


def format_errors(route_b_id: str, password: str) -> dict[str, str]:
    """Return an error for each field that does not have the right form."""
    errors: dict[str, str] = {}
    # Each is tried beside a harmless other, so that both can be reported at once.
    for pair in ((route_b_id, "0" * 12), ("0" * 32, password)):
        try:
            Credentials(*pair)
        except stack_errors.CredentialsFormatError as err:
            errors[err.field] = f"invalid_{err.field}"
    return errors
