"""Commands have their exact form, and a wrong argument is never sent nor quoted."""

from collections.abc import Callable

import pytest

from custom_components.wisun_route_b.stack.errors import EncodeError
from custom_components.wisun_route_b.stack.j11 import (
    Command,
    CommandCode,
    commands,
    link_local,
    messages,
)

from .wire import IP, MAC, frame

ROUTE_B_ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789AB"
REQUEST = bytes.fromhex("D0EA83FC")


def request(code: int, data: str = "") -> bytes:
    return frame(code, data, unique=REQUEST)


@pytest.mark.parametrize(
    ("command", "code", "data"),
    [
        (commands.reset(), 0x00D9, ""),
        (commands.version(), 0x006B, ""),
        (commands.status(), 0x0001, ""),
        (commands.settings(), 0x0107, ""),
        (commands.own_ip(), 0x0009, ""),
        (commands.own_mac(), 0x000E, ""),
        (commands.connections(), 0x0011, ""),
        (commands.terminals(), 0x0100, ""),
        (commands.pan_id(), 0x005E, ""),
        (commands.set_up(17, power=2), 0x005F, "05 00 11 02"),
        (commands.scan(8, pairing_id=None), 0x0051, "08 0003FFF0 00 0000000000000000"),
        (
            commands.scan(14, pairing_id="ccddeeff", channels=0x10),
            0x0051,
            "0E 00000010 01 4343444445454646",
        ),
        (commands.energy_scan(0x20010), 0x00DB, "00020010"),
        (commands.start(), 0x0053, ""),
        (commands.end(), 0x0058, ""),
        (commands.start_pana(), 0x0056, ""),
        (commands.end_pana(), 0x0057, ""),
        (commands.reauthenticate(), 0x00D2, ""),
        (commands.open_port(), 0x0005, "0E1A"),
        (commands.close_port(0xFFFF), 0x0006, "FFFF"),
        (commands.open_ports(), 0x0007, ""),
        (
            commands.transmit(IP.lower(), b"\xaa", port=1, local_port=2),
            0x0008,
            IP.replace(":", "") + "0002 0001 0001 AA",
        ),
    ],
    ids=lambda item: item.summary if isinstance(item, Command) else "",
)
def test_commands_to_the_byte(command: Command, code: int, data: str) -> None:
    assert command.data == request(code, data)
    assert command.code == code
    assert command.responds is (code != 0x00D9)


def test_credentials_to_the_byte() -> None:
    command = commands.set_credentials(ROUTE_B_ID.lower(), "abcDEF012345")
    assert command.data == request(0x0054, (ROUTE_B_ID + "abcDEF012345").encode().hex())


@pytest.mark.parametrize(
    "make",
    [
        lambda: commands.set_up(3),
        lambda: commands.set_up(18),
        lambda: commands.set_up(0xFF),
        lambda: commands.set_up(4, power=3),
        lambda: commands.set_credentials(ROUTE_B_ID[1:], PASSWORD),
        lambda: commands.set_credentials(ROUTE_B_ID[1:] + "G", PASSWORD),
        lambda: commands.set_credentials(ROUTE_B_ID + "\n", PASSWORD),
        lambda: commands.set_credentials(ROUTE_B_ID, PASSWORD[1:]),
        lambda: commands.set_credentials(ROUTE_B_ID, PASSWORD[1:] + "-"),
        lambda: commands.set_credentials(ROUTE_B_ID, PASSWORD[1:] + "１"),  # noqa: RUF001
        lambda: commands.scan(0, pairing_id=None),
        lambda: commands.scan(15, pairing_id=None),
        lambda: commands.scan(8, pairing_id=None, channels=0),
        lambda: commands.scan(8, pairing_id=None, channels=0x8),
        lambda: commands.scan(8, pairing_id=None, channels=0x40000),
        lambda: commands.scan(8, pairing_id=ROUTE_B_ID),
        lambda: commands.scan(8, pairing_id=""),
        lambda: commands.energy_scan(0),
        lambda: commands.energy_scan(1),
        lambda: commands.open_port(0),
        lambda: commands.open_port(716),
        lambda: commands.open_port(0x10000),
        lambda: commands.close_port(19788),
        lambda: commands.transmit(IP, b""),
        lambda: commands.transmit(IP, bytes(1233)),
        lambda: commands.transmit(IP[:-1], b"x"),
        lambda: commands.transmit("FE80::1", b"x"),
        lambda: commands.transmit(IP, b"x", port=31941),
        lambda: commands.transmit(IP, b"x", local_port=0),
    ],
)
def test_wrong_arguments_are_refused_and_not_quoted(make: Callable[[], Command]) -> None:
    with pytest.raises(EncodeError) as refused:
        make()
    assert not any(secret in str(refused.value) for secret in (ROUTE_B_ID[1:], PASSWORD[1:], IP))


def test_the_largest_datagram_is_the_largest_that_fits() -> None:
    assert len(commands.transmit(IP, bytes(1232)).data) == 12 + 22 + 1232


def test_nothing_rewrites_firmware_reveals_the_key_or_switches_flow_control() -> None:
    codes = {int(code) for code in CommandCode}
    assert not codes & {0x00F0, 0x0059}
    made = {name for name in vars(commands) if not name.startswith("_")}
    assert not made & {"flow_control", "set_flow_control", "key", "firmware", "ping"}


def test_no_repr_and_no_summary_shows_a_secret() -> None:
    made = (
        commands.set_credentials(ROUTE_B_ID, PASSWORD),
        commands.scan(8, pairing_id=ROUTE_B_ID[-8:]),
        commands.transmit(IP, b"\x10\x81secret"),
    )
    for command in made:
        text = repr(command) + command.summary
        for secret in (ROUTE_B_ID, ROUTE_B_ID[-8:], PASSWORD, IP, IP.replace(":", ""), "secret"):
            assert secret not in text


@pytest.mark.parametrize(
    ("duration", "channels", "seconds"),
    [(8, commands.ALL_CHANNELS, 35.8), (8, 1 << 4, 2.6), (6, commands.ALL_CHANNELS, 10)],
)
def test_scans_take_as_long_as_the_manual_says(
    duration: int, channels: int, seconds: float
) -> None:
    assert commands.scan_time(duration, channels) == pytest.approx(seconds, rel=0.02)
    command = commands.scan(duration, pairing_id=None, channels=channels)
    assert command.timeout_s > seconds


def test_who_waits_for_a_response_is_waits_longer_than_the_dongle() -> None:
    # V12 p155
    assert commands.start().timeout_s > 2.6
    assert commands.transmit(IP, b"x").timeout_s > 7.0
    assert commands.energy_scan().timeout_s > 4.5
    assert commands.version().timeout_s > 2.0


def test_each_question_names_its_answer() -> None:
    assert commands.version().answer is messages.Version
    assert commands.start().answer is messages.Network
    assert commands.start_pana().answer is None


@pytest.mark.parametrize(
    ("mac", "ip"),
    [
        (MAC, IP),
        ("8CDF9DFFFE000000", "FE80:0000:0000:0000:8EDF:9DFF:FE00:0000"),
    ],
)
def test_link_local_addresses(mac: str, ip: str) -> None:
    assert link_local(mac) == ip
