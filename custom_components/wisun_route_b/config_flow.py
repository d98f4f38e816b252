"""Set-up in the user interface: a form, then a real sign-in at the meter with progress."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, override

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    SOURCE_USB,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow, UnknownFlow
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.translation import async_get_translations

from .const import (
    CONF_IDENTITY,
    CONF_IMPORT_DAYS,
    CONF_KNOWN,
    CONF_NETWORK,
    CONF_ROUTE_B_ID,
    CONF_USB,
    DOMAIN,
)
from .entry_data import RouteBConfigEntry, identity_of_device, stored
from .flow import schemas
from .flow.options import RouteBOptionsFlow
from .flow.sign_in import SignedIn, SignInAttempt, SignInRequest
from .orders import Orders, async_place
from .serial_port.discovery import async_probe
from .serial_port.listing import usb_identity
from .serial_port.location import async_follow, async_has_twins, async_usb_identity
from .serial_port.names import async_is_among, async_stable_path
from .serial_port.release import async_load_again
from .stack import (
    Credentials,
    KnownMeter,
)
from .takeover.offer import TakeOver

type Input = dict[str, Any] | None

#: How long a question may stay unanswered while the meter is not read for it: a browser that was
#: closed never answers. Our own choice.
_LONGEST_WAIT: Final = timedelta(minutes=10)


class RouteBConfigFlow(ConfigFlow, domain=DOMAIN):
    """Ask for port and credentials, try them, remember where the meter was found.

    Every form ends in the same sign-in, and shows up again with an error where that fails.
    """

    VERSION = 1
    MINOR_VERSION = 2

    def __init__(self) -> None:
        """Start with nothing typed and nothing tried."""
        self._form = "user"
        self._suggested: dict[str, Any] = {}
        self._errors: dict[str, str] = {}
        self._credentials: Credentials | None = None
        self._request: SignInRequest | None = None
        self._orders = Orders()
        self._attempt: SignInAttempt | None = None
        self._take_over: TakeOver | None = None
        self._unloaded: str | None = None
        self._usb_id: str | None = None
        self._new_password = ""
        self._own_ports: set[str | None] = set()
        """Paths that mean the dongle that the entry knows, wherever it is."""
        self._is_replaced = False
        self._stop_waiting: CALLBACK_TYPE | None = None
        self._finished = False
        self._removed = False

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: RouteBConfigEntry) -> RouteBOptionsFlow:
        """Return the options dialog."""
        return RouteBOptionsFlow()

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
            self._suggested = {
                key: user_input[key] for key in (CONF_DEVICE, CONF_ROUTE_B_ID, CONF_IMPORT_DAYS)
            }
            self._orders = Orders(int(user_input[CONF_IMPORT_DAYS]))
            if self._accept(user_input[CONF_ROUTE_B_ID], user_input[CONF_PASSWORD]):
                device = await async_stable_path(self.hass, user_input[CONF_DEVICE].strip())
                await self._abort_if_duplicate(device)
                return await self._connect(
                    "user", SignInRequest(credentials=self._tried, device=device)
                )
        if self._usb_id is not None:  # the dongle that is offered, and not yet a meter
            await self.async_set_unique_id(self._usb_id, raise_on_progress=False)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(schemas.USER, self._suggested),
            errors=self._errors,
        )

    @override
    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Offer a dongle that was plugged in, once it has said that it is one."""
        device = await async_stable_path(self.hass, discovery_info.device)
        self._usb_id = usb.usb_unique_id_from_service_info(discovery_info)
        await self.async_set_unique_id(self._usb_id)
        self._abort_if_unique_id_configured()
        identity = usb_identity(discovery_info)
        others = (stored(other).usb for other in self._others())
        if identity and identity in others and not await async_has_twins(self.hass, identity):
            raise AbortFlow("already_configured")
        await self._abort_if_port_taken(device)
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
            chosen = take_over.choose(user_input.get(schemas.CONF_METER))
            if not self._accept(chosen.route_b_id, chosen.password):
                raise AbortFlow("take_over_damaged")
            device = await async_stable_path(self.hass, chosen.device)
            await self._abort_if_duplicate(device)
            self._orders = Orders(int(user_input[CONF_IMPORT_DAYS]), take_over.order(user_input))
            request = SignInRequest(
                credentials=self._tried, device=device, release_port=take_over.async_make_room
            )
            return await self._connect("take_over", request)
        return self.async_show_form(
            step_id="take_over",
            data_schema=schemas.take_over(take_over.ports),
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
        """Start over with the credentials that the meter turned down."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for the password again."""
        entry: RouteBConfigEntry = self._get_reauth_entry()
        route_b_id = stored(entry).route_b_id
        if route_b_id is None:  # a password alone would not help
            raise AbortFlow("entry_damaged")
        if user_input is not None and self._accept(route_b_id, user_input[CONF_PASSWORD]):
            request = SignInRequest(
                credentials=self._tried, entry=entry, release_port=partial(self._free_port, entry)
            )
            return await self._connect("reauth_confirm", request)
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=schemas.REAUTH,
            errors=self._errors,
            description_placeholders={"name": entry.title},
        )

    async def async_step_reconfigure(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for another port, ID or password; what is left blank stays."""
        entry: RouteBConfigEntry = self._get_reconfigure_entry()
        before = stored(entry)
        if user_input is not None:
            self._suggested = {
                key: user_input[key] for key in (CONF_DEVICE, CONF_ROUTE_B_ID) if key in user_input
            }
            # A password that nobody has refused need not be typed again after a failure.
            if self._errors.get("base") == "credentials_refused":
                self._new_password = ""
            new_password = user_input.get(CONF_PASSWORD, "").strip() or self._new_password
            if self._errors.get("base") == "other_device":
                self._is_replaced = True  # who submits once more means what is at the port now
            if self._accept(
                user_input.get(CONF_ROUTE_B_ID, "").strip() or before.route_b_id or "",
                new_password or before.password or "",
            ):
                self._new_password = new_password
                device = await self._typed_port(user_input[CONF_DEVICE].strip())
                await self._abort_if_duplicate(device, entry)
                request = SignInRequest(
                    credentials=self._tried,
                    device=device,
                    entry=entry,
                    reuse_session=True,
                    release_port=partial(self._free_port, entry),
                )
                return await self._connect("reconfigure", request)
        self._own_ports.add(before.device)
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=self.add_suggested_values_to_schema(
                schemas.RECONFIGURE, {CONF_DEVICE: before.device} | self._suggested
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

    def _accept(self, route_b_id: str, password: str) -> bool:
        """Take the credentials, if they have the right form; else say which have not."""
        self._errors = schemas.format_errors(route_b_id, password)
        if not self._errors:
            self._credentials = Credentials(route_b_id, password)
        return not self._errors

    async def _typed_port(self, typed: str) -> str | None:
        """Return a port as it is to be stored; None for that of the dongle that the entry knows."""
        device = await async_stable_path(self.hass, typed)
        is_own = not self._own_ports.isdisjoint((typed, device))
        return None if is_own and not self._is_replaced else device

    async def _abort_if_duplicate(
        self, device: str | None, own: RouteBConfigEntry | None = None
    ) -> None:
        """Refuse a meter or a port of another entry, before the port is touched."""
        self._end_forsaken_dialogs()
        await self.async_set_unique_id(self._tried.fingerprint, raise_on_progress=own is None)
        if own is None or own.unique_id != self.unique_id:
            self._abort_if_unique_id_configured()
        # A home that got a new ID goes by the hash of its first one.
        if any(stored(other).identity == self.unique_id for other in self._others(own)):
            raise AbortFlow("already_configured")
        if device is not None:
            await self._abort_if_port_taken(device, own)

    @callback
    def _end_forsaken_dialogs(self) -> None:
        """End dialogs about the same meter that wait for somebody to type.

        A browser that was closed leaves its dialog behind, where nobody can finish it.
        """
        for flow in self._async_in_progress():
            context = flow["context"]
            if (
                context["source"] in (SOURCE_USER, SOURCE_USB, SOURCE_RECONFIGURE)
                and context.get("unique_id") == self._tried.fingerprint
                and flow["step_id"] != "connect"
            ):
                self.hass.config_entries.flow.async_abort(flow["flow_id"])

    async def _abort_if_port_taken(self, device: str, own: RouteBConfigEntry | None = None) -> None:
        await async_follow(self.hass)
        taken = [stored(other).device for other in self._others(own)]
        if await async_is_among(self.hass, device, filter(None, taken)):
            raise AbortFlow("port_already_configured")

    def _others(self, own: RouteBConfigEntry | None = None) -> list[RouteBConfigEntry]:
        """Return the meters that are set up, but for this one and ignored dongles."""
        entries = self._async_current_entries(include_ignore=False)
        return [entry for entry in entries if entry is not own]

    async def _free_port(self, entry: RouteBConfigEntry) -> None:
        """Unload the entry that is being changed, where it could hold the port."""
        async with entry.setup_lock:
            pass  # a set-up that is under way ends first
        if not self._removed and entry.state in (
            ConfigEntryState.LOADED,
            ConfigEntryState.SETUP_RETRY,
        ):
            self._unloaded = entry.entry_id
            await self.hass.config_entries.async_unload(entry.entry_id)

    # --- The sign-in -----------------------------------------------------------------------

    async def _connect(self, form: str, request: SignInRequest) -> ConfigFlowResult:
        """Sign in once the port is free, and come back to a form if that fails."""
        if self._removed:  # closed while this step was waiting for something
            raise UnknownFlow
        self._form, self._request = form, request
        return await self.async_step_connect()

    async def async_step_connect(self, user_input: Input = None) -> ConfigFlowResult:  # noqa: ARG002 - Home Assistant's signature
        """Try to sign in, and show how far that has come."""
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
            return self.async_show_progress_done(next_step_id=self._form)
        exchanged = self.source == SOURCE_RECONFIGURE and self._is_exchange(
            attempt.result.meter.known
        )
        return self.async_show_progress_done(next_step_id="exchange" if exchanged else "finish")

    def _is_exchange(self, found: KnownMeter | None) -> bool:
        """Tell whether a new ID has led to another meter than the one that was known."""
        entry = self._get_reconfigure_entry()
        before = stored(entry).known
        return self._tried.fingerprint != entry.unique_id and (
            before is None or found is None or before.address != found.address
        )

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
        """Store what was tried and found. Whatever can fail or be closed meanwhile comes first."""
        tried, meter = self._tried, signed_in.meter
        found = {
            CONF_DEVICE: signed_in.device,
            CONF_ROUTE_B_ID: tried.route_b_id,
            CONF_PASSWORD: tried.password,
            CONF_NETWORK: meter.network and meter.network.as_dict(),
            CONF_KNOWN: meter.known and meter.known.as_dict(),
            CONF_USB: await async_usb_identity(self.hass, signed_in.device),
        }
        title = await _title(self.hass)
        if self._removed:
            raise UnknownFlow
        is_new = self.source not in (SOURCE_REAUTH, SOURCE_RECONFIGURE)
        if is_new:
            await async_place(self.hass, tried.fingerprint, self._orders)
        if self._take_over is not None:
            await self._take_over.async_finish()
        if not is_new:
            entry = self.hass.config_entries.async_get_known_entry(self.context["entry_id"])
            if found[CONF_USB] is None and self._request and self._request.device is None:
                found[CONF_USB] = stored(entry).usb  # it could not be read, but is the same
            # The identity stays: entities and history belong to the home.
            if stored(entry).identity is None:
                found[CONF_IDENTITY] = identity_of_device(self.hass, entry) or tried.fingerprint
            return self.async_update_reload_and_abort(
                entry, unique_id=tried.fingerprint, data_updates=found
            )
        return self.async_create_entry(
            title=title,
            data={CONF_IDENTITY: tried.fingerprint, **found},
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Stop trying when the dialog is closed, and put back what was put aside."""
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
        """Load again what had to give up the port, now that it is free."""
        unloaded, self._unloaded = self._unloaded, None
        if unloaded is not None:
            # Not a reload: Home Assistant would end the dialog for a new password with it.
            load = async_load_again(self.hass, unloaded)
            _ = self.hass.async_create_task(load, eager_start=False)
        if self._take_over is not None:
            self._take_over.async_undo()

    @callback
    def _give_up(self, _: datetime) -> None:
        """End the dialog, as if somebody had closed it."""
        self._stop_waiting = None
        self.hass.config_entries.flow.async_abort(self.flow_id)

    @property
    def _tried(self) -> Credentials:
        if self._credentials is None:  # no step gets here before a form was accepted
            raise UnknownFlow
        return self._credentials


async def _title(hass: HomeAssistant) -> str:
    """Name the entry in the language of the house. The name gives no secret away."""
    texts = await async_get_translations(hass, hass.config.language, "device", [DOMAIN])
    return texts.get(f"component.{DOMAIN}.device.smart_meter.name", "Smart meter")
