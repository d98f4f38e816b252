"""The diagnostics file is complete, but identifies neither the household nor its credentials."""

import asyncio
from datetime import datetime
from http import HTTPStatus
import json
import logging
from pathlib import Path
import re
from typing import Any, cast

from aiohttp.test_utils import TestClient
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.wisun_route_b.const import CONF_KNOWN
from custom_components.wisun_route_b.diagnostics import async_get_config_entry_diagnostics
from custom_components.wisun_route_b.stack import JST, LinkState, errors, properties
from tests.stack.scripted import (
    METER_MAC,
    METER_SAYS,
    NETWORK,
    PASSWORD,
    ROUTE_B_ID,
    ScriptedDongle,
)
from tests.stack.secret_scan import traces
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.meter.model import SECOND_GENERATION
from tools.emulator.products import ProductName

from .conftest import JOIN_IGNORED, KNOWN, Later, entry_for, poll, set_up, until

SERIAL_NUMBER = "F24G366505"

#: Nothing in these is likely to be found by chance.
THEIR_ID = "9F3A61C7D2E84B05A7C914FD6B28E3D1"
THEIR_PASSWORD = "Qx7PzL2mVd9K"
WRONG_PASSWORD = "hW4tRb8nYc3J"


async def diagnose(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    report = await async_get_config_entry_diagnostics(hass, entry)
    return cast("dict[str, Any]", json.loads(json.dumps(report)))


async def test_file_tells_how_link_and_meter_fare(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    says = {**METER_SAYS, 0x9E: "0281E5"}
    del says[0xEA]  # the history before that would be looked up
    dongle.know(says)
    entry = entry_for()
    await set_up(hass, entry)

    report = await diagnose(hass, entry)

    assert report["dongle"] == {
        "identity": {
            "protocol": "SKSTACK single",
            "version": "1.2.10",
            "app_version": "rev26e",
        },
        "channel": "31",
        "datagrams_are_raw": False,
    }
    assert report["link"]["state"] == "connected"
    assert [row["state"] for row in report["link"]["journal"]] == ["connecting", "connected"]
    assert report["counters"]["requests"] == report["counters"]["answers"] > 0
    assert report["line"]["dropped_bytes"] == 0
    assert report["line"]["datagrams"] > 0
    assert report["meter"]["scale"] == {"unit": "0.1", "coefficient": 1, "digits": 6}
    assert "E7" in report["meter"]["readable"]
    assert report["meter"]["settable"] == ["81", "E5"]
    assert report["meter"]["notifying"] is None  # the meter has refused it
    # What its own list has, the meter must refuse twice.
    frames = [*report["frames_sent"], *report["frames_heard"]]
    for frame in (" 62 02 9E 00 9D 00", " 52 02 9E 03 0281E5 9D 00", " 62 01 9D 00"):
        assert len([sent for sent in frames if sent.endswith(frame)]) == 1
    assert report["entry"]["state"] == "loaded"
    assert report["versions"]["integration"] == "0.1.0"
    assert report["versions"]["pyserial-asyncio-fast"] == "0.16"
    assert report["readings"]["values"]["instantaneous_power"]["value"] == "632"
    assert report["readings"]["values"]["instantaneous_power"]["age"] is not None


@pytest.mark.usefixtures("fast_clock")
async def test_file_tells_why_there_is_no_link(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.replies["SKVER"] = b"FAIL ER04\r\n"
    dongle.unplug()
    keeper = entry.runtime_data.keeper
    await until(lambda: isinstance(keeper.status.error, errors.NotAWiSunDongleError))
    await until(lambda: keeper.state is LinkState.WAITING)

    link = (await diagnose(hass, entry))["link"]

    assert link["state"] == "waiting"
    assert link["error"].startswith("NotAWiSunDongleError: ")
    first = next(row for row in link["journal"] if row["error"])
    assert first["error"].startswith("PortLostError: ")
    assert link["session_age"] is None


async def test_file_holds_the_conversation(hass: HomeAssistant, dongle: ScriptedDongle) -> None:
    entry = entry_for()
    await set_up(hass, entry)

    lines = (await diagnose(hass, entry))["conversation"]

    untimed = [re.sub(r"^-?\d+\.\d{3} ", "", line) for line in lines]
    assert untimed[:2] == ["# The port is open", "> SKVER"]
    assert "> SKSETRBID ****" in untimed
    assert any(re.search(r"< ERXUDP .* 72 .* 8D 0C \*\*\*\*$", line) for line in untimed)
    ages = [float(line.partition(" ")[0]) for line in lines]
    assert ages == sorted(ages)
    assert ages[-1] <= 0


@pytest.mark.usefixtures("fast_clock")
async def test_meter_that_does_not_answer_does_not_keep_the_file_back(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    dongle.on_request = lambda _: dongle.accept()

    meter = (await diagnose(hass, entry))["meter"]

    assert meter["settable"] is None
    assert meter["readable"]


async def test_file_of_a_set_up_that_failed_tells_what_was_said(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    dongle.replies["SKJOIN"] = JOIN_IGNORED
    entry = entry_for()
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY

    report = await diagnose(hass, entry)

    assert report["entry"]["state"] == "setup_retry"
    assert report["entry"]["reason_key"] == "join_failed"
    assert report["entry"]["knows"] == [
        *("device", "identity", "network", "password", "route_b_id")
    ]
    assert any(line.endswith("< EVENT 24 <address 2>") for line in report["conversation"])
    assert report["conversation"][-1].endswith(" # Closing the port")


async def test_file_of_a_disabled_entry_holds_its_last_conversation_and_of_a_removed_one_nothing(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    entry = entry_for()
    await set_up(hass, entry)
    await hass.config_entries.async_set_disabled_by(entry.entry_id, ConfigEntryDisabler.USER)

    report = await diagnose(hass, entry)
    assert report["entry"]["disabled_by"] == "user"
    assert report["conversation"][-1].endswith(" # Closing the port")

    await hass.config_entries.async_remove(entry.entry_id)
    assert (await diagnose(hass, entry))["conversation"] == []


@pytest.mark.parametrize(
    "port",
    [
        "/dev/serial/by-id/usb-FTDI_FT230X_Basic_UART_DK8AAFGE-if00-port0",
        "esphome://proxy.local:6053/?key=c2VjcmV0",
        "socket://192.168.1.2:4000",
    ],
)
async def test_file_identifies_no_household(
    hass: HomeAssistant, dongle: ScriptedDongle, port: str
) -> None:
    entry = entry_for()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_KNOWN: KNOWN})
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    dongle.unplug()
    await until(lambda: len(entry.runtime_data.keeper.journal) > 2)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "device": port})

    text = json.dumps(await diagnose(hass, entry)).upper()

    for secret in ("DK8AAFGE", "C2VJCMV0", "192.168.1.2", f"{NETWORK.pan_id:04X}"):
        assert secret not in text
        assert secret.encode().hex().upper() not in text
    assert not traces(
        text,
        ids=[ROUTE_B_ID],
        macs=[METER_MAC, "001D12900005747B"],
        words=[PASSWORD, SERIAL_NUMBER],
    )


async def test_traceback_in_the_debug_log_does_not_name_the_port(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture, tmp_path: Path, later: Later
) -> None:
    port = tmp_path / "usb-FTDI_FT230X_Basic_UART_DK8AAFGE-if00-port0"
    config = EmulatorConfig(route_b_id=THEIR_ID, password=THEIR_PASSWORD, speed=2000.0)
    entry = entry_for(str(port), THEIR_ID, THEIR_PASSWORD)
    async with Emulator(config) as emulator:
        emulator.serve_pty(port)
        await set_up(hass, entry)
        assert entry.state is ConfigEntryState.LOADED
    caplog.set_level(logging.DEBUG)
    keeper = entry.runtime_data.keeper
    await until(lambda: keeper.state is LinkState.WAITING)
    keeper.retry_now()
    await until(lambda: isinstance(keeper.status.error, errors.PortNotFoundError))
    await later(100)
    await poll(hass)

    ours = [
        caplog.handler.format(record)
        for record in caplog.records
        if record.name.startswith("custom_components.wisun_route_b")
    ]
    assert any("Traceback" in line and "PortNotFoundError" in line for line in ours)
    assert not traces("\n".join(ours), words=["DK8AAFGE"])


async def test_name_of_a_dongle_that_is_its_secret_is_masked(
    hass: HomeAssistant, dongle: ScriptedDongle
) -> None:
    """A dongle may print anything, also its secrets."""
    dongle.replies["SKAPPVER"] = f"EAPPVER {PASSWORD}DK8AAFGE\r\nOK\r\n".encode()
    entry = entry_for()
    entry.add_to_hass(hass)
    usb = {"vid": "0403", "pid": "6015", "serial_number": "DK8AAFGE"}
    hass.config_entries.async_update_entry(entry, data={**entry.data, "usb": usb})
    await hass.config_entries.async_setup(entry.entry_id)

    report = await diagnose(hass, entry)

    assert report["dongle"]["identity"]["app_version"] == "********"


# --- The proof -------------------------------------------------------------------------------

NOON = datetime(2026, 11, 22, 12, 15, 3, tzinfo=JST)


async def _download(client: TestClient[Any, Any], entry: MockConfigEntry) -> str:
    """Return the file as a person gets it."""
    response = await client.get(f"/api/diagnostics/config_entry/{entry.entry_id}")
    assert response.status == HTTPStatus.OK
    return await response.text()


def _noise(emulator: Emulator) -> bytes:
    """Return what a bad line could make of lines that hold every secret there is."""
    meter, mac = emulator.air.meter, emulator.dongle._printer.lines.mac
    damaged = (
        f"SKSETPWD C {THEIR_PASSWORD}",
        f"#SETRBID {THEIR_ID.lower()}",
        f"VENT 21 {meter.address}",
        f"EINFO {meter.address[4:]} {mac} 21",
        f"EAPPVER {THEIR_PASSWORD}",
        f"ERXUDP {meter.address} 0E1A {meter.serial.encode().hex()}",
        f"{meter.unique.hex()} {THEIR_ID[5:].encode().hex()}",
    )
    return b"\r\n".join((b"", *map(str.encode, damaged), meter.unique, b""))


async def _go_through_trouble(hass: HomeAssistant, entry: MockConfigEntry, other: Emulator) -> None:
    """Read everything beside noise, lose the session, and get it back."""
    meter, keeper = entry.runtime_data.meter, entry.runtime_data.keeper

    def back() -> bool:
        keeper.retry_now()
        return keeper.state is LinkState.CONNECTED

    other.faults.rates.set(duplicate_answer=0.5, split=0.2)
    other.dongle.emit(_noise(other))
    await meter.read(properties.PROPERTIES.values())
    await meter.day_history(2)
    other.faults.end_session()
    await until(lambda: keeper.state is not LinkState.CONNECTED)
    await until(back)
    entry.runtime_data.data = entry.runtime_data.data.merged(
        await meter.read(
            (properties.IDENTIFICATION_NUMBER, properties.ROUTE_B_ID, properties.SERIAL_NUMBER)
        )
    )
    await poll(hass)


@pytest.mark.parametrize("kind", ["bp35c2", "rl7023-ips"])
async def test_neither_the_downloaded_file_nor_the_debug_log_holds_a_secret(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    kind: ProductName,
) -> None:
    caplog.set_level(logging.DEBUG)
    assert await async_setup_component(hass, "diagnostics", {})
    config = EmulatorConfig(
        dongle=kind,
        route_b_id=THEIR_ID,
        password=THEIR_PASSWORD,
        model=SECOND_GENERATION,
        speed=2000.0,
        clock=lambda: NOON,
        neighbours=2,
    )
    port = str(tmp_path / "ttyWiSUN")
    entry = entry_for(port, THEIR_ID, THEIR_PASSWORD)
    files = []
    async with Emulator(config) as emulator:
        emulator.serve_pty(port)
        await set_up(hass, entry)
        assert entry.state is ConfigEntryState.LOADED
        client = await hass_client()
        await _go_through_trouble(hass, entry, emulator)
        files.append(await _download(client, entry))

        wrong = {**entry.data, "password": WRONG_PASSWORD, "network": None}
        hass.config_entries.async_update_entry(entry, data=wrong)
        await hass.config_entries.async_unload(entry.entry_id)
        emulator.faults.reset_dongle()
        await asyncio.sleep(0.05)
        await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.error_reason_translation_key == "credentials_refused"
        files.append(await _download(client, entry))
        await hass.config_entries.async_remove(entry.entry_id)

    meter, places = emulator.air.meter, [emulator.air.pan, *emulator.air.neighbours]
    logged = [
        caplog.handler.format(record)
        for record in caplog.records
        if not record.name.startswith("tools.emulator")
    ]
    assert "SKSETRBID ****" in files[0]
    assert "Unknown: xxxx xx xxxx:" in files[0]
    assert "SKSETRBID ****" in files[1]
    assert any("SKSETRBID ****" in line for line in logged)
    for text in (*files, "\n".join(logged)):
        assert not traces(
            text,
            ids=[THEIR_ID, meter.unique[:12].hex(), meter.unique.hex()],
            macs=[meter.mac, *(place.mac for place in places), emulator.dongle._printer.lines.mac],
            words=[THEIR_PASSWORD, WRONG_PASSWORD, meter.serial],
        )
