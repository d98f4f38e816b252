"""Commands are exact to the byte, as real hosts have sent them, and keep their secrets."""

import pytest

from custom_components.wisun_route_b.stack.dongle.scan_passes import METER_CHANNELS
from custom_components.wisun_route_b.stack.errors import EncodeError
from custom_components.wisun_route_b.stack.skstack import (
    Command,
    Dialect,
    Info,
    ReplyKind,
    commands,
)
from tests import transcripts

from .wire import MAC, METER

PASSWORD = "0123456789AB"
ROUTE_B_ID = "00112233445566778899AABBCCDDEEFF"
GET_E7 = bytes.fromhex("1081525305FF010288016201E700")

CAPTURED = [
    ("01", commands.skver()),
    ("01", commands.skreset()),
    ("01", commands.sksetpwd(PASSWORD)),
    ("01", commands.sksetrbid(ROUTE_B_ID)),
    ("01", commands.sksreg("S2", "31")),
    ("01", commands.sksreg("S3", "B5FB")),
    ("01", commands.skll64("0011223344556677")),
    ("01", commands.skjoin(METER)),
    ("01", commands.sksendto(Dialect.DUAL, METER, GET_E7)),
    ("05", commands.skinfo()),
    ("05", commands.skscan(Dialect.SINGLE, 6)),
    ("14", commands.skappver()),
    ("14", commands.sktable(0xE)),
    ("14", commands.ropt()),
    ("17", commands.skscan(Dialect.DUAL, 6)),
    ("17", commands.skterm()),
]

WRITTEN_OUT = [
    (commands.sksreg("SFE"), b"SKSREG SFE\r\n"),
    (commands.skrejoin(), b"SKREJOIN\r\n"),
    (commands.skaddnbr(METER, MAC), f"SKADDNBR {METER} {MAC}\r\n".encode()),
    (
        commands.skscan(Dialect.DUAL, 4, range(33, 34), mode=3),
        b"SKSCAN 3 00000001 4 0\r\n",
    ),
    (
        commands.sksendto(Dialect.SINGLE, METER, b"\r\n", handle=2, security=2, port=0x2CC),
        f"SKSENDTO 2 {METER} 02CC 2 0002 \r\n".encode(),
    ),
]


@pytest.mark.parametrize(("capture", "command"), CAPTURED, ids=lambda item: str(item)[:40])
def test_command_equals_what_a_host_really_sent(capture: str, command: Command) -> None:
    assert command.data in transcripts.load(capture).sent()


@pytest.mark.parametrize(("command", "data"), WRITTEN_OUT, ids=lambda item: str(item)[:40])
def test_command_without_a_capture_has_the_form_of_the_manual(
    command: Command, data: bytes
) -> None:
    assert command.data == data


def test_a_datagram_is_not_followed_by_a_line_end_and_may_have_every_allowed_size() -> None:
    for size in (1, 0x4D0):
        data = commands.sksendto(Dialect.DUAL, METER, bytes(size)).data
        assert data.endswith(f" 0 {size:04X} ".encode() + bytes(size))


def test_lower_case_arguments_are_sent_in_upper_case() -> None:
    assert commands.skjoin(METER.lower()).data == commands.skjoin(METER).data
    assert commands.skll64(MAC.lower()).data == commands.skll64(MAC).data
    assert commands.sksetrbid(ROUTE_B_ID.lower()).data == commands.sksetrbid(ROUTE_B_ID).data


def test_the_end_of_every_answer_is_known() -> None:
    assert commands.skver().reply is ReplyKind.OK
    assert commands.skll64(MAC).reply is ReplyKind.LINE
    assert commands.ropt().reply is ReplyKind.CR_OK


@pytest.mark.parametrize(
    "password",
    [
        "",
        "0123456789A",
        "0123456789ABC",
        "0123456789A\r",
        "0123456789AB\r\n",
        "0123456789A ",
        "\uff10" * 12,
    ],
)
def test_a_password_of_another_form_is_refused_and_not_quoted(password: str) -> None:
    with pytest.raises(EncodeError) as caught:
        commands.sksetpwd(password)
    assert not password or password.strip() not in str(caught.value)


@pytest.mark.parametrize("route_b_id", ["", "0" * 31, "0" * 33, "0" * 31 + "G", "0" * 32 + "\n"])
def test_an_id_of_another_form_is_refused(route_b_id: str) -> None:
    with pytest.raises(EncodeError):
        commands.sksetrbid(route_b_id)


@pytest.mark.parametrize("ip", ["", "FE80::1", METER + "\r\nSKRESET", METER + "\n", METER[:-1]])
def test_an_address_that_is_not_in_the_full_form_is_refused(ip: str) -> None:
    with pytest.raises(EncodeError):
        commands.skjoin(ip)
    with pytest.raises(EncodeError):
        commands.skaddnbr(ip, MAC)
    with pytest.raises(EncodeError):
        commands.sksendto(Dialect.SINGLE, ip, b"x")


@pytest.mark.parametrize("address", ["", MAC[:-1], MAC + "\n", "G" * 16])
def test_a_mac_address_of_another_form_is_refused(address: str) -> None:
    with pytest.raises(EncodeError):
        commands.skll64(address)
    with pytest.raises(EncodeError):
        commands.skaddnbr(METER, address)


@pytest.mark.parametrize(
    ("register", "value"),
    [("X2", "1"), ("S", "1"), ("SFE\r", "1"), ("S2", ""), ("S2", "1\r\n"), ("S2", "1 2")],
)
def test_a_register_or_value_of_another_form_is_refused(register: str, value: str) -> None:
    with pytest.raises(EncodeError):
        commands.sksreg(register, value)


@pytest.mark.parametrize(
    ("channels", "mask"),
    [
        (range(33, 61), b"FFFFFFFF"),
        (METER_CHANNELS, b"05555555"),
        (range(33, 34), b"00000001"),
        (range(59, 60), b"04000000"),
    ],
)
def test_the_lowest_bit_of_a_mask_is_channel_33(channels: range, mask: bytes) -> None:
    assert commands.skscan(Dialect.SINGLE, 5, channels).data == b"SKSCAN 2 " + mask + b" 5\r\n"


def test_numbers_out_of_range_are_refused() -> None:
    for size in (0, 0x4D1):
        with pytest.raises(EncodeError):
            commands.sksendto(Dialect.DUAL, METER, bytes(size))
    for wrong in ({"port": 0}, {"port": 0x10000}, {"handle": 0}, {"handle": 7}, {"security": 3}):
        with pytest.raises(EncodeError):
            commands.sksendto(Dialect.DUAL, METER, b"x", **wrong)
    for duration in (-1, 10):
        with pytest.raises(EncodeError):
            commands.skscan(Dialect.DUAL, duration)
    for channels in (range(0), range(32, 34), range(60, 62)):
        with pytest.raises(EncodeError):
            commands.skscan(Dialect.DUAL, 6, channels)
    with pytest.raises(EncodeError):
        commands.skscan(Dialect.DUAL, 6, mode=1)
    with pytest.raises(EncodeError):
        commands.sktable(3)


def test_nothing_printable_about_a_command_shows_a_secret_or_an_address() -> None:
    private = [
        commands.sksetpwd(PASSWORD),
        commands.sksetrbid(ROUTE_B_ID),
        commands.sksreg("S0A", ROUTE_B_ID[-8:]),
        commands.sksreg("S3", MAC[-4:]),
        commands.skjoin(METER),
        commands.skll64(MAC),
        commands.skaddnbr(METER, MAC),
        commands.sksendto(Dialect.DUAL, METER, GET_E7),
    ]
    for command in private:
        shown = repr(command) + command.summary
        for secret in (PASSWORD, ROUTE_B_ID, ROUTE_B_ID[-8:], METER, METER[-9:], MAC, MAC[-4:]):
            assert secret not in shown
        assert command.summary.startswith(command.name)


def test_commands_that_write_flash_do_not_exist() -> None:
    for name in ("wopt", "wuart", "sksave", "skerase"):
        assert not hasattr(commands, name)


def test_skinfo_tells_the_dialect() -> None:
    single = Info(ip=METER, address=MAC, channel=0x21, pan_id=0xFFFF, side=None)
    dual = Info(ip=METER, address=MAC, channel=0x21, pan_id=0xFFFF, side=0)
    assert Dialect.from_info(single) is Dialect.SINGLE
    assert Dialect.from_info(dual) is Dialect.DUAL
    assert Dialect.SINGLE.other is Dialect.DUAL
    assert Dialect.DUAL.other is Dialect.SINGLE
