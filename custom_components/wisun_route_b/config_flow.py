"""Set-up in the user interface: a form, then a real sign-in at the meter with progress."""

import asyncio
from collections.abc import Mapping
import logging
import os
from typing import Any, Final, override

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow, UnknownFlow
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SerialPortSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.translation import async_get_translations
import probatio

from .const import (
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_KNOWN,
    CONF_NETWORK,
    CONF_ROUTE_B_ID,
    DOMAIN,
)
from .failures import failure_key
from .farewells import last_farewell
from .meter_past import MOST_DAYS
from .port import port_connector
from .progress import overall_fraction, progress_action
from .stack import (
    Credentials,
    CredentialsFormatError,
    KnownMeter,
    Network,
    Progress,
    RouteBError,
    SmartMeter,
    Stage,
)

_LOGGER = logging.getLogger(__name__)

_ID: Final = TextSelector(TextSelectorConfig(autocomplete="off"))
_PASSWORD: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)
_DAYS: Final = NumberSelector(
    NumberSelectorConfig(
        min=0, max=MOST_DAYS, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="d"
    )
)
_USER_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_DEVICE): SerialPortSelector(),
        probatio.Required(CONF_ROUTE_B_ID): _ID,
        probatio.Required(probatio.Secret(CONF_PASSWORD)): _PASSWORD,
        probatio.Optional(CONF_IMPORT_DAYS, default=0): _DAYS,
    }
)
_REAUTH_SCHEMA: Final = probatio.Schema(
    {probatio.Required(probatio.Secret(CONF_PASSWORD)): _PASSWORD}
)


class RouteBConfigFlow(ConfigFlow, domain=DOMAIN):
    """Ask for port and credentials, try them, remember where the meter was found."""

    VERSION = 1
    MINOR_VERSION = 1

    def __init__(self) -> None:
        """Start with nothing typed and nothing tried."""
        self._form = "user"
        self._typed: dict[str, Any] = {}
        self._errors: dict[str, str] = {}
        self._device = ""
        self._credentials: Credentials | None = None
        self._network: Network | None = None
        self._known: KnownMeter | None = None
        self._probe: asyncio.Task[SmartMeter] | None = None
        self._phase: asyncio.Task[None] | None = None
        self._phase_over = asyncio.Event()
        self._stage = Stage.OPENING
        self._fraction = 0.0
        self._finished = False
        self._unloaded: str | None = None

    # --- Forms -------------------------------------------------------------------------

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the port, the Route-B ID and the password."""
        self._form = "user"
        if user_input is not None:
            # Whatever is shown again, the password is not among it.
            self._typed = {
                key: user_input[key] for key in (CONF_DEVICE, CONF_ROUTE_B_ID, CONF_IMPORT_DAYS)
            }
            if self._accept(user_input[CONF_ROUTE_B_ID], user_input[CONF_PASSWORD]):
                self._device = await self._stable_path(user_input[CONF_DEVICE].strip())
                await self._abort_if_duplicate()
                return await self.async_step_connect()
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_USER_SCHEMA, self._typed),
            errors=self._errors,
        )

    async def async_step_reauth(self, _: Mapping[str, Any]) -> ConfigFlowResult:
        """Start over with the credentials that the meter turned down."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the password again."""
        self._form = "reauth_confirm"
        entry = self._get_reauth_entry()
        if user_input is not None and self._accept(
            entry.data[CONF_ROUTE_B_ID], user_input[CONF_PASSWORD]
        ):
            self._device = entry.data[CONF_DEVICE]
            self._network = Network.from_dict(entry.data.get(CONF_NETWORK) or {})
            await self._free_port()
            return await self.async_step_connect()
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=_REAUTH_SCHEMA,
            errors=self._errors,
            description_placeholders={"name": entry.title},
        )

    def _accept(self, route_b_id: str, password: str) -> bool:
        """Take the credentials, if they have the right form; else say which have not."""
        self._errors = _format_errors(route_b_id, password)
        if not self._errors:
            self._credentials = Credentials(route_b_id, password)
        return not self._errors

    async def _stable_path(self, device: str) -> str:
        """Return the name of a USB port that stays when it is plugged in elsewhere."""
        if "://" in device:
            return device
        return await self.hass.async_add_executor_job(usb.get_serial_by_id, device)

    async def _abort_if_duplicate(self) -> None:
        """Refuse a meter or a port that is set up already, before the port is touched."""
        await self.async_set_unique_id(self._tried.fingerprint)
        self._abort_if_unique_id_configured()
        taken = [entry.data[CONF_DEVICE] for entry in self._async_current_entries()]
        if await self.hass.async_add_executor_job(_is_among, self._device, taken):
            raise AbortFlow("port_already_configured")

    async def _free_port(self) -> None:
        """Unload the entry under re-authentication, where it could hold the port."""
        entry = self._get_reauth_entry()
        if entry.state in (ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY):
            self._unloaded = entry.entry_id
            await self.hass.config_entries.async_unload(entry.entry_id)

    # --- Progress ----------------------------------------------------------------------

    async def async_step_connect(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - Home Assistant's signature
    ) -> ConfigFlowResult:
        """Try to sign in, and show how far that has come."""
        if self._probe is None:
            self._stage, self._fraction = Stage.OPENING, 0.0
            self._probe = self.hass.async_create_task(self._try(), eager_start=False)
            self._probe.add_done_callback(lambda _: self._phase_over.set())
        if not self._probe.done():
            return self.async_show_progress(
                step_id="connect",
                progress_action=progress_action(self._stage),
                progress_task=self._current_phase(),
            )
        probe, self._probe = self._probe, None
        if error := self._take_result(probe):
            self._errors = {"base": error}
            return self.async_show_progress_done(next_step_id=self._form)
        return self.async_show_progress_done(next_step_id="finish")

    def _current_phase(self) -> asyncio.Task[None]:
        """Return the task whose end makes Home Assistant show the next progress text.

        One task a phase, and not one for the whole attempt: the end of each is what redraws
        the dialog, exactly once.
        """
        if self._phase is None or self._phase.done():
            over = self._phase_over = asyncio.Event()

            async def until_over() -> None:
                await over.wait()

            self._phase = self.hass.async_create_task(until_over(), eager_start=False)
        return self._phase

    @callback
    def _on_progress(self, progress: Progress) -> None:
        action = progress_action(self._stage)
        self._stage = progress.stage
        if progress_action(progress.stage) != action:
            self._phase_over.set()
        fraction = overall_fraction(progress)
        if fraction > self._fraction:
            self._fraction = fraction
            self.async_update_progress(fraction)

    async def _try(self) -> SmartMeter:
        """Sign in and let go of the port; the session stays up for the entry to use."""
        meter = SmartMeter(
            port_connector(self._device),
            self._tried,
            network=self._network,
            farewell=last_farewell(self.hass, self._tried.fingerprint),
        )
        try:
            await meter.connect(self._on_progress)
        finally:
            await meter.close()
        return meter

    def _take_result(self, probe: asyncio.Task[SmartMeter]) -> str | None:
        """Keep what the attempt found, or return the key of what went wrong."""
        try:
            meter = probe.result()
        except RouteBError as err:
            _LOGGER.debug("The sign-in failed: %s", err)
            return failure_key(err)
        except Exception:
            _LOGGER.exception("Unexpected error while signing in")
            return "unknown"
        self._network, self._known = meter.network, meter.known
        return None

    # --- The end -----------------------------------------------------------------------

    async def async_step_finish(
        self,
        user_input: dict[str, Any] | None = None,  # noqa: ARG002 - Home Assistant's signature
    ) -> ConfigFlowResult:
        """Create the entry, or update it."""
        if self._finished:  # two browsers ask for the same result while the entry is set up
            raise UnknownFlow
        self._finished = True
        tried = self._tried
        found = {
            CONF_PASSWORD: tried.password,
            CONF_NETWORK: self._network and self._network.as_dict(),
            CONF_KNOWN: self._known and self._known.as_dict(),
        }
        if self.source == SOURCE_REAUTH:
            return self.async_update_reload_and_abort(self._get_reauth_entry(), data_updates=found)
        return self.async_create_entry(
            title=await _title(self.hass),
            data={
                CONF_DEVICE: self._device,
                CONF_ROUTE_B_ID: tried.route_b_id,
                CONF_IDENTITY: tried.fingerprint,
                **found,
            },
            options={CONF_IMPORT_DAYS: days} if (days := self._typed[CONF_IMPORT_DAYS]) else {},
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Stop trying when the dialog is closed, and put back what was unloaded."""
        if self._probe is None:
            self._restore()
        else:
            self._probe.add_done_callback(lambda _: self._restore())
            self._probe.cancel()

    @callback
    def _restore(self) -> None:
        """Load the entry again that had to give up the port, now that it is free."""
        entries = self.hass.config_entries
        if self._unloaded and not self._finished and entries.async_get_entry(self._unloaded):
            entries.async_schedule_reload(self._unloaded)

    @property
    def _tried(self) -> Credentials:
        if self._credentials is None:  # no step gets here before a form was accepted
            raise UnknownFlow
        return self._credentials


def _format_errors(route_b_id: str, password: str) -> dict[str, str]:
    """Return an error for each field that does not have the right form."""
    errors: dict[str, str] = {}
    # Each is tried beside a harmless other, so that both can be reported at once.
    for pair in ((route_b_id, "0" * 12), ("0" * 32, password)):
        try:
            Credentials(*pair)
        except CredentialsFormatError as err:
            errors[err.field] = f"invalid_{err.field}"
    return errors


def _is_among(device: str, others: list[str]) -> bool:
    """Tell whether a port is one of these, under whatever name."""
    return _real(device) in map(_real, others)


def _real(device: str) -> str:
    # A NUL ends a path for the system; what is behind it could only make it raise.
    return device if "://" in device else os.path.realpath(device.partition("\0")[0])


async def _title(hass: HomeAssistant) -> str:
    """Name the entry in the language of the house. The name gives no secret away."""
    texts = await async_get_translations(hass, hass.config.language, "device", [DOMAIN])
    return texts.get(f"component.{DOMAIN}.device.smart_meter.name", "Smart meter")
