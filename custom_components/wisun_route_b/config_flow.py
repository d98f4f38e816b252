"""Set-up in the user interface: a form, then a real sign-in at the meter with progress."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, override

from homeassistant.components import usb
from homeassistant.config_entries import ConfigFlow, ConfigFlowResult, ConfigSubentryFlow
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.data_entry_flow import AbortFlow, UnknownFlow
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.service_info.usb import UsbServiceInfo

from .billing.flow import TariffFlow
from .const import (
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_ROUTE_B_ID,
    DOMAIN,
    TARIFF,
)
from .entry_data import RouteBConfigEntry, identity_of_device, stored
from .flow import sign_in_forms
from .flow.dashboard import async_is_wanted, async_suggestion
from .flow.duplicates import (
    abort_if_home_known,
    async_abort_if_dongle_known,
    async_is_port_taken,
    end_forsaken_dialogs,
)
from .flow.import_days import days_of
from .flow.last_page import async_last_page, async_title
from .flow.options import RouteBOptionsFlow
from .flow.reconfigure import Reconfiguration
from .flow.sign_in import SignedIn, SignInAttempt, SignInRequest
from .orders import Orders, async_place
from .serial_port.discovery import async_probe
from .serial_port.listing import usb_identity
from .serial_port.names import async_stable_path
from .serial_port.release import PortOfEntry
from .stack import Credentials
from .takeover.offer import TakeOver

type Input = dict[str, Any] | None

#: How long a question may stay unanswered while the meter is not read for it: a browser that was
#: closed never answers. Our own choice.
_LONGEST_WAIT: Final = timedelta(minutes=10)


class RouteBConfigFlow(ConfigFlow, domain=DOMAIN):
    """Ask for port and credentials, try them, store where the meter was found.

    Every form ends in the same sign-in, and is shown again with an error if that fails.
    """

    VERSION = 1
    MINOR_VERSION = 2

    def __init__(self) -> None:
        """Start with nothing typed and nothing tried."""
        self._suggested: dict[str, Any] = {}
        self._errors: dict[str, str] = {}
        self._request: SignInRequest | None = None
        self._attempt: SignInAttempt | None = None
        self._take_over: TakeOver | None = None
        self._reconfiguration: Reconfiguration | None = None
        self._usb_id: str | None = None
        self._stop_waiting: CALLBACK_TYPE | None = None
        self._finished = False
        self._removed = False

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: RouteBConfigEntry) -> RouteBOptionsFlow:
        """Return the options dialog."""
        return RouteBOptionsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: RouteBConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the dialogs of what belongs to a meter: the electricity tariff."""
        return {TARIFF: TariffFlow}

    # --- A new meter -------------------------------------------------------------------

    @override
    async def async_step_user(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for the port, the Route-B ID and the password, or offer the take-over."""
        if user_input is None and self._take_over is None:
            self._take_over = TakeOver(self.hass)
            if self._take_over.ports:
                return await self.async_step_start()
        return await self.async_step_by_hand(user_input)

    async def async_step_start(self, user_input: Input = None) -> ConfigFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Offer to take over what Home Assistant's own integration reads."""
        return self.async_show_menu(step_id="start", menu_options=["take_over", "by_hand"])

    async def async_step_by_hand(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for the port, the Route-B ID and the password."""
        if user_input is not None:
            # Whatever is shown again, the password is not among it.
            self._suggested = {key: user_input[key] for key in user_input if key != CONF_PASSWORD}
            credentials = self._accept(user_input[CONF_ROUTE_B_ID], user_input[CONF_PASSWORD])
            if credentials is not None:
                device = await async_stable_path(
                    self.hass, sign_in_forms.typed_port(user_input[CONF_DEVICE])
                )
                await self._abort_if_duplicate(credentials)
                if await self._is_free(device):
                    return await self._connect(
                        SignInRequest(
                            form="user",
                            credentials=credentials,
                            device=device,
                            orders=Orders(
                                days_of(user_input[CONF_IMPORT_DAYS]),
                                dashboard=await async_is_wanted(self.hass, user_input),
                            ),
                        )
                    )
        if self._usb_id is not None:  # the dongle that is offered, and not yet a meter
            await self.async_set_unique_id(self._usb_id, raise_on_progress=False)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(
                sign_in_forms.user(dashboard=await async_suggestion(self.hass)), self._suggested
            ),
            errors=self._errors,
        )

    @override
    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Offer a device that was plugged in, once it has answered as a dongle."""
        device = await async_stable_path(self.hass, discovery_info.device)
        self._usb_id = usb.usb_unique_id_from_service_info(discovery_info)
        await self.async_set_unique_id(self._usb_id)
        self._abort_if_unique_id_configured()
        await async_abort_if_dongle_known(self.hass, usb_identity(discovery_info))
        if await async_is_port_taken(self.hass, device):
            raise AbortFlow("port_already_configured")
        await async_probe(self.hass, discovery_info, device)
        self.context["title_placeholders"] = {
            "name": discovery_info.description or discovery_info.manufacturer or device
        }
        self._suggested = {CONF_DEVICE: device}
        return await self.async_step_user()

    # --- Instead of Home Assistant's own integration -------------------------------------

    async def async_step_take_over(self, user_input: Input = None) -> ConfigFlowResult:
        """Move a meter here that Home Assistant's own integration reads."""
        take_over = self._offered
        if user_input is not None:
            self._suggested = user_input  # it has no secret in it
            chosen = take_over.choose(user_input.get(sign_in_forms.CONF_METER))
            credentials = self._accept(chosen.route_b_id, chosen.password)
            if credentials is None:
                raise AbortFlow("take_over_damaged")
            device = await async_stable_path(self.hass, chosen.device)
            await self._abort_if_duplicate(credentials)
            if await self._is_free(device, field="base"):
                return await self._connect(
                    SignInRequest(
                        form="take_over",
                        credentials=credentials,
                        device=device,
                        release_port=take_over,
                        orders=Orders(
                            days_of(user_input[CONF_IMPORT_DAYS]),
                            take_over.order(user_input),
                            await async_is_wanted(self.hass, user_input, take_over.sensors()),
                        ),
                    )
                )
        return self.async_show_form(
            step_id="take_over",
            data_schema=self.add_suggested_values_to_schema(
                sign_in_forms.take_over(
                    take_over.ports,
                    dashboard=await async_suggestion(self.hass, take_over.sensors()),
                ),
                self._suggested,
            ),
            errors=self._errors,
            description_placeholders={"port": ", ".join(take_over.ports.values())},
        )

    @property
    def _offered(self) -> TakeOver:
        if self._take_over is None or not self._take_over.ports:  # no menu was shown
            raise UnknownFlow
        return self._take_over

    # --- A meter that is set up ----------------------------------------------------------

    async def async_step_reauth(self, _: Mapping[str, Any]) -> ConfigFlowResult:
        """Ask for new credentials after the meter has refused the old ones."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for the password again, and for the Route-B ID if there is a new one as well."""
        entry: RouteBConfigEntry = self._get_reauth_entry()
        before = stored(entry).route_b_id
        if before is None:  # a password alone would not help
            raise AbortFlow("entry_damaged")
        if user_input is not None:
            route_b_id = user_input.get(CONF_ROUTE_B_ID, "").strip()
            self._suggested = {CONF_ROUTE_B_ID: route_b_id}
            credentials = self._accept(route_b_id or before, user_input[CONF_PASSWORD])
            if credentials is not None:
                await self._abort_if_duplicate(credentials, entry)
                return await self._connect(
                    SignInRequest(
                        form="reauth_confirm",
                        credentials=credentials,
                        entry=entry,
                        release_port=self._port_of(entry),
                    )
                )
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(sign_in_forms.REAUTH, self._suggested),
            errors=self._errors,
            description_placeholders={"name": entry.title},
        )

    async def async_step_reconfigure(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for another port, ID or password; what is left blank stays."""
        entry: RouteBConfigEntry = self._get_reconfigure_entry()
        if self._reconfiguration is None:
            self._reconfiguration = Reconfiguration(entry)
        form = self._reconfiguration
        if user_input is not None:
            self._suggested = {
                key: user_input[key] for key in (CONF_DEVICE, CONF_ROUTE_B_ID) if key in user_input
            }
            credentials = self._accept(*form.take(user_input, self._errors.get("base")))
            if credentials is not None:
                form.accept(user_input)
                device = await form.async_port(
                    self.hass, sign_in_forms.typed_port(user_input[CONF_DEVICE])
                )
                await self._abort_if_duplicate(credentials, entry)
                if await self._is_free(device, entry):
                    return await self._connect(
                        SignInRequest(
                            form="reconfigure",
                            credentials=credentials,
                            device=device,
                            entry=entry,
                            reuse_session=True,
                            release_port=self._port_of(entry),
                        )
                    )
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                sign_in_forms.RECONFIGURE, {CONF_DEVICE: form.shown()} | self._suggested
            ),
            errors=self._errors,
            description_placeholders={"name": entry.title},
        )

    async def async_step_exchange(self, user_input: Input = None) -> ConfigFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Ask what it means that another meter has answered. Meanwhile nothing is read."""
        if self._stop_waiting is None:
            self._stop_waiting = async_call_later(self.hass, _LONGEST_WAIT, self._give_up)
        return self.async_show_menu(step_id="exchange", menu_options=["finish", "another_home"])

    async def async_step_another_home(self, user_input: Input = None) -> ConfigFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Leave the entry as it was: the other meter is to become one of its own."""
        return self.async_abort(reason="another_home")

    # --- Before the sign-in --------------------------------------------------------------

    def _accept(self, route_b_id: str, password: str) -> Credentials | None:
        """Return credentials of the right form; else None, with errors at the fields."""
        self._errors = sign_in_forms.format_errors(route_b_id, password)
        return None if self._errors else Credentials(route_b_id, password)

    def _port_of(self, entry: RouteBConfigEntry) -> PortOfEntry:
        return PortOfEntry(self.hass, entry, lambda: not self._removed)

    async def _abort_if_duplicate(
        self, tried: Credentials, own: RouteBConfigEntry | None = None
    ) -> None:
        """Refuse the meter of another entry."""
        end_forsaken_dialogs(self.hass, self._async_in_progress(), tried.fingerprint)
        await self.async_set_unique_id(tried.fingerprint, raise_on_progress=own is None)
        if own is None or own.unique_id != self.unique_id:
            self._abort_if_unique_id_configured()
        abort_if_home_known(self.hass, tried.fingerprint, own)

    async def _is_free(
        self, device: str | None, own: RouteBConfigEntry | None = None, field: str = CONF_DEVICE
    ) -> bool:
        """Return whether no other meter has the port; else the form shows an error at this field."""
        if device is None or not await async_is_port_taken(self.hass, device, own):
            return True
        self._errors = {field: "port_already_configured"}
        return False

    # --- The sign-in -----------------------------------------------------------------------

    async def _connect(self, request: SignInRequest) -> ConfigFlowResult:
        """Sign in once the port is free, and come back to a form if that fails."""
        if self._removed:  # closed while this step was waiting for something
            raise UnknownFlow
        self._request = request
        return await self.async_step_connect()

    async def async_step_connect(self, user_input: Input = None) -> ConfigFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Try to sign in, and show the progress."""
        if self._request is None:  # no form was accepted
            raise UnknownFlow
        if self._attempt is None:
            self._attempt = SignInAttempt(self.hass, self._request, self.async_update_progress)
        attempt = self._attempt
        if not attempt.done:
            return self.async_show_progress(
                step_id="connect", progress_action=attempt.action, progress_task=attempt.phase()
            )
        if error := attempt.failure():
            self._attempt, self._errors = None, {"base": error}
            self._restore()
            return self.async_show_progress_done(next_step_id=self._request.form)
        exchanged = _is_exchange(attempt.result)
        return self.async_show_progress_done(next_step_id="exchange" if exchanged else "finish")

    # --- The end -----------------------------------------------------------------------

    async def async_step_finish(self, user_input: Input = None) -> ConfigFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Create the entry, or update it. If that fails, it can be asked for again."""
        if self._finished or self._attempt is None:
            raise UnknownFlow  # two browsers ask for the same result while the entry is set up
        self._finished = True
        try:
            return await self._finish(self._attempt.result)
        except BaseException:
            self._finished = False
            if self._removed:
                self._restore()
            raise

    async def _finish(self, signed_in: SignedIn) -> ConfigFlowResult:
        """Store the result of the sign-in. Steps that can fail or be closed come first."""
        request, identity = signed_in.request, signed_in.request.credentials.fingerprint
        found = await signed_in.async_as_data(self.hass)
        title = await async_title(self.hass)
        last_page = await async_last_page(self.hass, signed_in.meter.signal, request.orders)
        if self._removed:
            raise UnknownFlow
        if request.entry is None:
            await async_place(self.hass, identity, request.orders)
        await request.release_port.async_finish()
        if (entry := request.entry) is None:
            return self.async_create_entry(
                title=title, data={CONF_IDENTITY: identity, **found}, **last_page._asdict()
            )
        # The identity stays: entities and history belong to the home.
        if stored(entry).identity is None:
            found[CONF_IDENTITY] = identity_of_device(self.hass, entry) or identity
        return self.async_update_reload_and_abort(entry, unique_id=identity, data_updates=found)

    @callback
    @override
    def async_remove(self) -> None:
        """Cancel the sign-in when the dialog is closed, and have the port used as before."""
        self._removed = True
        if self._stop_waiting is not None:
            self._stop_waiting()
        if self._finished:
            return
        if self._attempt is None or self._attempt.done:
            self._restore()
        else:
            self._attempt.cancel(then=self._restore)

    @callback
    def _restore(self) -> None:
        """Load again what had to release the port, now that it is free."""
        if self._request is not None:
            self._request.release_port.async_undo()

    @callback
    def _give_up(self, _: datetime) -> None:
        """End the dialog, as if it had been closed."""
        self._stop_waiting = None
        self.hass.config_entries.flow.async_abort(self.flow_id)


def _is_exchange(signed_in: SignedIn) -> bool:
    """Return whether a new ID has led to another meter than the one that an entry knew."""
    entry = signed_in.request.entry
    if entry is None or signed_in.request.credentials.fingerprint == entry.unique_id:
        return False
    before, found = stored(entry).description, signed_in.meter.description
    return before is None or found is None or before.address != found.address
