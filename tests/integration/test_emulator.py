"""The whole way: dialog, stack, a real serial port, and the software dongle with its meter."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
import logging
from pathlib import Path
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.const import CONF_DEVICE, CONF_PASSWORD
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.wisun_route_b.const import CONF_ROUTE_B_ID, DOMAIN
from custom_components.wisun_route_b.history.meter_clock import MeterClockError
from custom_components.wisun_route_b.stack import JST, LinkState
from tools.emulator import J11_PRODUCTS, PRODUCTS, Emulator, EmulatorConfig
from tools.emulator.meter.model import FIRST_GENERATION

from .conftest import Later, held_by_us, poll, state_of, until

ROUTE_B_ID = "0123456789ABCDEF0123456789ABCDEF"
PASSWORD = "PaSsWoRd4567"
#: A quarter past noon on a sunny day.
NOON = datetime(2026, 11, 22, 12, 15, 3, tzinfo=JST)

#: A dongle for each protocol.
EACH_PROTOCOL = ("bp35c2", "rs-wsuha-j11")

type Usb = Callable[..., AbstractAsyncContextManager[Emulator]]


@pytest.fixture
def port(tmp_path: Path) -> str:
    return str(tmp_path / "ttyWiSUN")


@pytest.fixture
def plug(port: str) -> Usb:
    """Plug an emulated dongle into the port, for as long as it takes."""

    @asynccontextmanager
    async def plugged(**choices: Any) -> AsyncIterator[Emulator]:
        usual: dict[str, Any] = {
            "route_b_id": ROUTE_B_ID,
            "password": PASSWORD,
            "speed": 2000.0,
            "clock": lambda: NOON,
            "neighbours": 2,
        }
        if choices.get("dongle") in J11_PRODUCTS:
            usual["password"] = PASSWORD.upper()  # as the dongle itself makes it
        async with Emulator(EmulatorConfig(**{**usual, **choices})) as emulator:
            emulator.serve_pty(port)
            yield emulator

    return plugged


async def dialog(hass: HomeAssistant, port: str, **typed: str) -> Any:
    """Go through the set-up dialog to the next thing that a person sees."""
    flows = hass.config_entries.flow
    form = {CONF_DEVICE: port, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD}
    result = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    result = await flows.async_configure(result["flow_id"], {**form, **typed})
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await hass.async_block_till_done()
        result = await flows.async_configure(result["flow_id"])
    await hass.async_block_till_done()
    return result


def _shown(hass: HomeAssistant) -> dict[str, str | None]:
    return {
        key: state_of(hass, key)
        for key in ("power", "current_r", "current_t", "imported_energy", "exported_energy")
    }


def _true(emulator: Emulator) -> dict[str, Any]:
    truth: Any = emulator.truth()
    return {
        "power": str(truth["power"]),
        "current_r": truth["current_r"],
        "current_t": truth["current_t"],
        "imported_energy": truth["energy_imported"]["kwh"],
        "exported_energy": truth["energy_exported"]["kwh"],
    }


@pytest.mark.parametrize("dongle", [*PRODUCTS, *J11_PRODUCTS])
async def test_sensors_show_the_truth_with_every_dongle(
    hass: HomeAssistant, plug: Usb, port: str, dongle: str
) -> None:
    async with plug(dongle=dongle) as emulator:
        result = await dialog(hass, port)

        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["result"].state is ConfigEntryState.LOADED
        assert _shown(hass) == _true(emulator)
        await hass.config_entries.async_unload(result["result"].entry_id)


@pytest.mark.parametrize("dongle", EACH_PROTOCOL)
async def test_port_is_free_after_unload_and_can_be_opened_again(
    hass: HomeAssistant,
    plug: Usb,
    port: str,
    dongle: str,
) -> None:
    async with plug(dongle=dongle) as emulator:
        entry = (await dialog(hass, port))["result"]
        assert held_by_us(port)

        for _ in range(2):
            assert await hass.config_entries.async_unload(entry.entry_id)
            assert not held_by_us(port)
            assert await hass.config_entries.async_setup(entry.entry_id)
            await hass.async_block_till_done()

        assert entry.state is ConfigEntryState.LOADED
        assert _shown(hass) == _true(emulator)
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("dongle", EACH_PROTOCOL)
async def test_other_id_is_not_heard_and_can_be_corrected(
    hass: HomeAssistant,
    plug: Usb,
    port: str,
    dongle: str,
) -> None:
    async with plug(dongle=dongle):
        result = await dialog(hass, port, route_b_id=ROUTE_B_ID.replace("F", "E"))
        assert result["errors"] == {"base": "meter_not_found"}
        assert not held_by_us(port)

        result = await _correct(hass, result, port)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.config_entries.async_unload(result["result"].entry_id)


@pytest.mark.parametrize("dongle", EACH_PROTOCOL)
async def test_wrong_password_is_refused_and_can_be_corrected(
    hass: HomeAssistant,
    plug: Usb,
    port: str,
    dongle: str,
) -> None:
    # A J11 dongle makes the letters large by itself.
    wrong = PASSWORD.lower() if dongle == "bp35c2" else PASSWORD[::-1]
    async with plug(dongle=dongle):
        result = await dialog(hass, port, password=wrong)
        assert result["errors"] == {"base": "credentials_refused"}
        assert not held_by_us(port)

        result = await _correct(hass, result, port)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.config_entries.async_unload(result["result"].entry_id)


@pytest.mark.parametrize("dongle", EACH_PROTOCOL)
async def test_meter_out_of_range_is_not_heard(
    hass: HomeAssistant, plug: Usb, port: str, dongle: str
) -> None:
    async with plug(dongle=dongle, in_range=False):
        result = await dialog(hass, port)

        assert result["errors"] == {"base": "meter_not_found"}


@pytest.mark.parametrize("dongle", EACH_PROTOCOL)
@pytest.mark.parametrize("successor", EACH_PROTOCOL)
async def test_dongle_that_is_plugged_in_again_or_replaced_is_used(
    hass: HomeAssistant, plug: Usb, port: str, later: Later, *, dongle: str, successor: str
) -> None:
    async with plug(dongle=dongle):
        await dialog(hass, port)
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    keeper = entry.runtime_data.keeper
    await until(lambda: keeper.state is LinkState.WAITING)
    await later(90)
    await poll(hass)
    assert state_of(hass, "power") == "unavailable"

    async with plug(dongle=successor) as emulator:
        keeper.retry_now()
        await until(lambda: state_of(hass, "power") != "unavailable")
        assert _shown(hass) == _true(emulator)
        await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize("dongle", EACH_PROTOCOL)
async def test_log_at_debug_level_holds_no_secret(
    hass: HomeAssistant,
    plug: Usb,
    port: str,
    caplog: pytest.LogCaptureFixture,
    dongle: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with plug(dongle=dongle) as emulator:
        wrong = "pAsSwOrD7654"
        result = await dialog(hass, port, password=wrong)
        result = await _correct(hass, result, port)
        await poll(hass)
        await hass.config_entries.async_remove(result["result"].entry_id)
        await hass.async_block_till_done()

    ours = "".join(
        record.getMessage() + "\n"
        for record in caplog.records
        if not record.name.startswith("tools.emulator")
    ).upper()
    assert ("SKSETPWD" in ours) is (dongle == "bp35c2")
    assert ("SET CREDENTIALS" in ours) is (dongle != "bp35c2")
    secrets = (ROUTE_B_ID, PASSWORD.upper(), wrong.upper(), emulator.air.pan.mac)
    for secret in (*secrets, ROUTE_B_ID[-8:]):
        assert secret not in ours
        assert secret.encode().hex().upper() not in ours


async def _correct(hass: HomeAssistant, result: Any, port: str) -> Any:
    """Send the form again, with everything right."""
    flows = hass.config_entries.flow
    form = {CONF_DEVICE: port, CONF_ROUTE_B_ID: ROUTE_B_ID, CONF_PASSWORD: PASSWORD}
    result = await flows.async_configure(result["flow_id"], form)
    while result["type"] is FlowResultType.SHOW_PROGRESS:
        await hass.async_block_till_done()
        result = await flows.async_configure(result["flow_id"])
    await hass.async_block_till_done()
    return result


@pytest.mark.usefixtures("fast_clock")
@pytest.mark.parametrize("hours", [0, 24, -24, 1, -1])
@pytest.mark.parametrize("shown", [True, False, None], ids=["shown", "not offered", "silent"])
async def test_the_clock_of_the_meter_is_judged_though_it_may_not_show_it(
    hass: HomeAssistant, plug: Usb, port: str, shown: bool | None, hours: int
) -> None:
    readable = FIRST_GENERATION.readable - ({0x97, 0x98} if shown is False else set())
    ahead = timedelta(hours=hours)
    async with plug(
        clock=lambda: datetime.now(JST) + ahead, model=replace(FIRST_GENERATION, readable=readable)
    ) as emulator:
        entry = (await dialog(hass, port))["result"]
        for epc in (0x97, 0x98) if shown is None else ():
            emulator.faults.silence(epc)
        past = entry.runtime_data.backfill.past(0)

        if hours:
            with pytest.raises(MeterClockError) as caught:
                await past.check_clock()
            minutes = caught.value.minutes
            # It shows whole minutes.
            assert minutes == pytest.approx(60 * hours, abs=1) if shown else minutes is None
        else:
            await past.check_clock()
        await hass.config_entries.async_unload(entry.entry_id)
