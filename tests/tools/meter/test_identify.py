"""``identify`` says what is on the port, in words, whatever it is."""

import asyncio
from collections.abc import Callable

import pytest

from custom_components.wisun_route_b.stack import Connector, RouteBError, errors
from tests.stack.scripted import ScriptedDongle
from tests.stack.scripted_j11 import ScriptedJ11Dongle
from tests.virtual_clock import run
from tools.meter.exit_codes import ExitCode

from .shell import Outcome, carry_out, meter


@pytest.mark.parametrize(
    ("dongle", "text"),
    [
        ("bp35c2", "SKSTACK dual stack, firmware 1.5.2, application rev15"),
        ("bp35a1", "SKSTACK single stack, firmware 1.2.10, application rev26e"),
        ("rl7023-dss", "SKSTACK dual stack, firmware 1.5.2"),
        ("rl7023-ips", "SKSTACK single stack, firmware 1.2.10"),
    ],
)
def test_dongle_is_described(dongle: str, text: str) -> None:
    outcome = meter("identify", dongle=dongle, environment={})

    assert outcome.code == ExitCode.OK
    assert outcome.out == f"A Wi-SUN dongle: {text}\n"


def test_dongle_is_described_for_programs() -> None:
    assert meter("identify", "--json", environment={}).json == {
        "found": "dongle",
        "protocol": "SKSTACK dual",
        "version": "1.5.2",
        "app_version": "rev15",
    }


def _refusing(error: RouteBError) -> Connector:
    async def connect(_: object) -> tuple[asyncio.Transport, asyncio.Protocol]:
        raise error

    return connect


def _answering(answer: bytes) -> Connector:
    dongle = ScriptedDongle()
    dongle.replies["SKVER"] = answer
    return dongle.connector()


def _j11(firmware: int = 0x0400, han: int = 0) -> Connector:
    dongle = ScriptedJ11Dongle()
    dongle.firmware, dongle.han = firmware, han
    return dongle.connector()


OTHER_DEVICES: dict[str, tuple[Callable[[], Connector], ExitCode, str]] = {
    "port_not_found": (
        lambda: _refusing(errors.PortNotFoundError("?")),
        ExitCode.PORT,
        "no such port",
    ),
    "port_busy": (lambda: _refusing(errors.PortBusyError("?")), ExitCode.PORT, "busy"),
    "not_a_serial_port": (
        lambda: _refusing(errors.NotASerialPortError("?")),
        ExitCode.PORT,
        "no serial port",
    ),
    "dongle_silent": (lambda: _answering(b""), ExitCode.DONGLE, "Nothing answers"),
    "not_a_wisun_dongle": (lambda: _answering(b"login: "), ExitCode.DONGLE, "no Wi-SUN dongle"),
    "firmware_without_route_b": (
        lambda: _j11(firmware=0x0200),
        ExitCode.DONGLE,
        "cannot do Route B",
    ),
    "dongle_in_han_use": (lambda: _j11(han=2), ExitCode.DONGLE, "home area network"),
}


@pytest.mark.parametrize("found", OTHER_DEVICES)
def test_everything_else_is_told_apart_within_five_seconds(found: str) -> None:
    connector, code, text = OTHER_DEVICES[found]

    async def play(*words: str) -> Outcome:
        async with asyncio.timeout(5):
            return await carry_out(("identify", *words), connector(), environment={})

    plain, as_json = run(play()), run(play("--json"))

    assert plain.code == as_json.code == code
    assert text in plain.out
    assert as_json.json["found"] == found
