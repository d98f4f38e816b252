"""What the dongle says, byte by byte, against captures of real ones."""

from typing import Any

import pytest

from tests import transcripts
from tests.transcripts import Direction
from tests.virtual_clock import run
from tools.emulator import PRODUCTS

from .wire import PASSWORD, ROUTE_B_ID, emulated, join, sendto, shape, sign_in

GET_POWER = bytes.fromhex("1081525305FF010288016201E700")
DUAL = [name for name, product in PRODUCTS.items() if product.dual]
SINGLE = [name for name, product in PRODUCTS.items() if not product.dual]


def test_session_of_capture_01_is_repeated_line_by_line() -> None:
    captured = transcripts.load("01").entries
    # Up to the join; the article does not show echo and OK of SKJOIN.
    end = next(at for at, entry in enumerate(captured) if entry.data.startswith(b"SKSENDTO"))

    async def play() -> None:
        async with emulated(dongle="bp35c2", echo=True) as (emulator, host):
            pan = emulator.air.pan
            translate = {
                b"0011223344556677\r": f"{pan.mac}\r".encode(),
                b"FE80:0000:0000:0000:C2F9:4500:4058:B5FB": pan.address.encode(),
                b"S2 31": f"S2 {pan.channel:X}".encode(),
                b"S3 B5FB": f"S3 {pan.pan_id:04X}".encode(),
            }
            position = 0
            while position < end:
                command = captured[position].data
                expected = b""
                position += 1
                while position < end and captured[position].direction is Direction.RECEIVED:
                    expected += shape(captured[position].data)
                    position += 1
                if command.startswith(b"SKJOIN"):
                    expected = b"SKJOIN <ip>\r\nOK\r\n" + expected
                for old, new in translate.items():
                    command = command.replace(old, new)
                heard = await host.say(command, 30)
                lines = heard.splitlines(keepends=True)
                assert b"".join(map(shape, lines)) == expected

    run(play())


@pytest.mark.parametrize("name", ["bp35a1", "rl7023-ips"])
def test_single_stack_prints_the_lines_of_capture_05(name: str) -> None:
    captured = transcripts.load("05").received()

    async def play() -> None:
        async with emulated(dongle=name) as (emulator, host):
            heard = await host.ask("SKINFO")
            trailing = b" " if name == "rl7023-ips" else b""
            assert [shape(line) for line in heard] == [
                b"EINFO <ip> <mac> <channel> <pan> FFFE" + trailing + b"\r\n",
                b"OK\r\n",
            ]
            await host.ask(f"SKSETRBID {ROUTE_B_ID}")
            assert await host.ask(f"SKSETPWD c {PASSWORD}") == [b"OK\r\n"]
            heard = await host.ask("SKSCAN 2 FFFFFFFF 6", 30)
            scan = next(at for at, line in enumerate(captured) if line.startswith(b"EVENT 20"))
            assert [shape(line) for line in heard] == [
                b"OK\r\n",
                *(shape(line) for line in captured[scan : scan + 9]),
            ]
            await sign_in(emulator, host)
            heard = await host.ask(f"SKJOIN {emulator.air.pan.address}", 30)
            start = next(at for at, line in enumerate(captured) if line.startswith(b"EVENT 21"))
            assert [shape(line) for line in heard[1:4]] == [
                shape(line) for line in captured[start : start + 3]
            ]
            assert shape(captured[-1]) in [shape(line) for line in heard]

    run(play())


@pytest.mark.parametrize("name", PRODUCTS)
def test_answer_of_the_meter_has_the_form_of_the_firmware(name: str) -> None:
    async def play() -> None:
        async with emulated(dongle=name) as (emulator, host):
            await join(emulator, host)
            heard = (await host.say(sendto(emulator, GET_POWER), 5)).strip()
            side = b" 0" if name in DUAL else b""
            lines = [shape(line) for line in heard.split(b"\r\n") if b" 02" not in line]
            assert lines == [
                b"EVENT 21 <ip>" + side + b" 00",
                b"OK",
                b"ERXUDP <ip> <ip> 0E1A 0E1A <mac> 1"
                + side
                + b" 0012 <echonet 02880105FF01 72 01>",
            ]

    run(play())


def test_rssi_token_stands_in_front_of_secured_on_a_dual_stack_only() -> None:
    async def tokens(name: str) -> list[bytes]:
        async with emulated(dongle=name) as (emulator, host):
            assert await host.ask("SKSREG SA2 1") == [b"OK\r\n"]
            await join(emulator, host)
            heard = await host.say(sendto(emulator, GET_POWER), 5)
            assert f"{emulator.air.pan.lqi:02X}" != "01"
            return heard.splitlines()[-1].split()

    assert len(run(tokens("rl7023-dss"))) == 11
    assert run(tokens("rl7023-dss"))[7:9] == [b"1", b"0"]
    assert len(run(tokens("rl7023-ips"))) == 9


def test_binary_payload_stands_raw_in_front_of_the_line_end() -> None:
    async def play() -> None:
        async with emulated(dongle="bp35c2", output=None) as (emulator, host):
            await join(emulator, host)
            packet = bytes(host.heard).split(b" 02CC 02CC ")[2]
            assert packet.split(b" ")[1:4] == [b"0", b"0", b"0068"]
            assert b"SM" + ROUTE_B_ID.encode() + b"\r\n" in packet
            heard = await host.say(sendto(emulator, GET_POWER), 5)
            assert heard[-26:-4].startswith(
                b" 0012 \x10\x81RS\x02\x88\x01\x05\xff\x01r\x01\xe7\x04"[-20:]
            )
            assert heard.endswith(b"\r\n")
            assert heard[-20:-6] == bytes.fromhex("1081525302880105FF017201E704")

    run(play())


def test_echo_of_sendto_is_the_header_with_its_trailing_space() -> None:
    async def play() -> None:
        async with emulated(echo=True) as (emulator, host):
            await join(emulator, host)
            heard = await host.say(sendto(emulator, GET_POWER) + b"\r\n", 5)
            assert heard.startswith(sendto(emulator, GET_POWER)[:-14] + b"\r\nEVENT 21 ")

    run(play())


def test_unfinished_line_of_the_host_is_glued_to_the_next_asynchronous_line() -> None:
    async def play() -> None:
        async with emulated(echo=True) as (emulator, host):
            await join(emulator, host)
            heard = await host.say(sendto(emulator, GET_POWER) + b"SKSENDTO", 5)
            assert b"OK\r\nSKSENDTOERXUDP FE80:" in heard

    run(play())


def test_sendto_waits_for_missing_bytes_and_swallows_the_next_command() -> None:
    async def play() -> None:
        async with emulated(echo=True) as (emulator, host):
            await join(emulator, host)
            whole = sendto(emulator, GET_POWER)
            assert (await host.say(whole[:-8], 60)).endswith(b"000E \r\n")
            assert await host.say(b"SKVER\r\n", 60) == b""
            assert b"OK\r\n" in await host.say(b"\n", 60)

    run(play())


def test_characters_are_echoed_as_they_come() -> None:
    async def play() -> None:
        async with emulated(echo=True) as (_, host):
            assert await host.say(b"SKV") == b"SKV"
            assert await host.say(b"ER \r") == b"ER \r\nEVER 1.5.2\r\nOK\r\n"
            assert await host.say(b"\n\r\n\r\n") == b""

    run(play())


def test_reset_turns_the_echo_on_and_forgets_credentials_and_session() -> None:
    async def play() -> None:
        async with emulated(echo=True) as (emulator, host):
            await join(emulator, host)
            await host.ask("SKSREG SFE 0")
            assert await host.say(b"SKRESET\r\n") == b"OK\r\n"
            assert await host.say(b"SKSREG SFE\r\n") == b"SKSREG SFE\r\nESREG 1\r\nOK\r\n"
            await host.ask("SKSREG SFE 0")
            assert await host.ask("SKSREG S3") == [b"ESREG FFFF\r\n", b"OK\r\n"]
            assert await host.ask("SKTERM") == [b"FAIL ER10\r\n"]
            assert await host.ask(f"SKJOIN {emulator.air.pan.address}") == [b"FAIL ER10\r\n"]

    run(play())


@pytest.mark.parametrize("name", PRODUCTS)
def test_version_strings_are_those_of_the_product(name: str) -> None:
    product = PRODUCTS[name]

    async def play() -> None:
        async with emulated(dongle=name) as (_, host):
            assert await host.ask("SKVER") == [f"EVER {product.version}\r\n".encode(), b"OK\r\n"]
            assert await host.ask("SKAPPVER") == (
                [b"FAIL ER04\r\n"]
                if product.app_version is None
                else [f"EAPPVER {product.app_version}\r\n".encode(), b"OK\r\n"]
            )

    run(play())


def test_option_commands_end_with_cr_and_wear_out_the_flash() -> None:
    async def play() -> None:
        async with emulated(dongle="bp35a1", output=None) as (emulator, host):
            assert await host.say(b"ROPT\r") == b"OK 00\r"
            assert await host.say(b"WOPT 01\r") == b"OK\r"
            await host.ask("SKRESET")
            await host.ask("SKSREG SFE 0")
            assert await host.say(b"ROPT\r") == b"OK 01\r"
            assert await host.say(b"RUART\r") == b"OK 00\r"
            assert emulator.dongle.flash_writes == 1
        async with emulated(dongle="rl7023-ips", output=None) as (_, host):
            assert await host.say(b"ROPT\r") == b"FAIL ER04\r\n"

    run(play())


_ERRORS: list[tuple[dict[str, Any], str, bytes]] = [
    ({"dongle": "rl7023-ips"}, "SKSCAN 2 FFFFFFFF 6 0", b"FAIL ER05\r\n"),
    ({"dongle": "bp35c2"}, "SKSCAN 2 FFFFFFFF 4", b"FAIL ER05\r\n"),
    ({"dongle": "bp35c2"}, "SKSCAN 2 FFFFFFFF 11 0", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKSCAN 1 FFFFFFFF 6 0", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKTERM", b"FAIL ER10\r\n"),
    ({"dongle": "bp35c2"}, "SKREJOIN", b"FAIL ER10\r\n"),
    ({"dongle": "bp35c2"}, "SKLOAD", b"FAIL ER10\r\n"),
    ({"dongle": "bp35c2"}, "SKNONSENSE", b"FAIL ER04\r\n"),
    ({"dongle": "bp35c2"}, "SKSREG", b"FAIL ER05\r\n"),
    ({"dongle": "bp35c2"}, "SKSREG S2 3D", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKSREG S99", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKSETPWD B 0123456789AB", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKSETRBID 0123", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKJOIN fe80:0:0:0:0:0:0:1", b"FAIL ER06\r\n"),
    ({"dongle": "bp35c2"}, "SKSENDTO 1", b"FAIL ER05\r\n"),
    ({"dongle": "bp35c2"}, "X" * 600, b"FAIL ER09\r\n"),
]


@pytest.mark.parametrize(("choices", "command", "answer"), _ERRORS, ids=lambda item: str(item)[:40])
def test_every_mistake_has_its_code(choices: dict[str, Any], command: str, answer: bytes) -> None:
    async def play() -> None:
        async with emulated(**choices) as (_, host):
            assert await host.ask(command) == [answer]
            assert (await host.ask("SKVER"))[-1] == b"OK\r\n"

    run(play())


@pytest.mark.parametrize(("name", "other"), [("bp35c2", "rl7023-ips"), ("bp35a1", "rl7023-dss")])
def test_sendto_of_the_other_dialect_gets_er06_and_the_line_is_clean(name: str, other: str) -> None:
    async def play() -> None:
        async with emulated(dongle=other) as (emulator, _):
            foreign = sendto(emulator, GET_POWER)
        async with emulated(dongle=name, echo=True) as (emulator, host):
            heard = await host.say(foreign, 5)
            assert heard.endswith(b" \r\nFAIL ER06\r\n")
            assert (await host.ask("SKVER"))[-1] == b"OK\r\n"

    run(play())


def test_tables_are_printed_as_in_capture_14() -> None:
    async def play() -> None:
        async with emulated(dongle="bp35a1") as (emulator, host):
            ports = b"".join(await host.ask("SKTABLE E"))
            captured = b"".join(transcripts.load("14").received())
            assert ports in captured
            await host.ask(f"SKADDNBR {emulator.air.pan.address} {emulator.air.pan.mac}")
            assert [shape(line) for line in await host.ask("SKTABLE 2")] == [
                b"ENEIGHBOR\r\n",
                b"<ip> <mac> FFFF\r\n",
                b"OK\r\n",
            ]

    run(play())


def test_energy_scan_has_the_form_of_capture_15_on_a_dual_stack() -> None:
    async def play() -> None:
        async with emulated(dongle="bp35c2") as (_, host):
            heard = await host.ask("SKSCAN 0 0FFFFFFF 4 0", 30)
            assert shape(heard[1]) == b"EVENT 1F <ip> 0\r\n"
            assert heard[2] == b"EEDSCAN\r\n"
            assert len(heard[3].split()) == 1 + 2 * 28
            assert heard[3].startswith(b"0 21 ")

    run(play())
