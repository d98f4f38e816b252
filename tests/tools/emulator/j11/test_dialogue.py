"""The whole dialogue with a J11 dongle: what it answers, when, and in which state."""

import asyncio

import pytest

from tests import transcripts
from tests.virtual_clock import run
from tools.emulator import J11_PRODUCTS, Emulator

from .wire import (
    GET_POWER,
    REQUEST,
    ROUTE_B_ID,
    channel,
    credentials,
    emulated,
    frame,
    operate,
    packed,
    power,
    set_up,
    sign_in,
    transmission,
)

NOT_STARTED, IDLE, OPERATING, AUTHENTICATED = range(4)
ANY = (NOT_STARTED, IDLE, OPERATING, AUTHENTICATED)
#: The table of the manual (V12 p25-26): which command is allowed when.
ALLOWED: dict[int, tuple[int, ...]] = {
    **dict.fromkeys((0x0001, 0x0009, 0x000E, 0x0011, 0x0100, 0x0102, 0x0107, 0x010B, 0x006B), ANY),
    **dict.fromkeys((0x005F, 0x0101, 0x010A), (NOT_STARTED, IDLE)),
    **dict.fromkeys((0x0051, 0x00DB), (IDLE, OPERATING, AUTHENTICATED)),
    0x0054: (IDLE, OPERATING),
    0x0053: (IDLE,),
    **dict.fromkeys((0x0005, 0x0006, 0x0007, 0x0008, 0x00D1, 0x005E), (OPERATING, AUTHENTICATED)),
    **dict.fromkeys((0x0056, 0x0058), (OPERATING,)),
    **dict.fromkeys((0x0057, 0x00D2, 0x0059), (AUTHENTICATED,)),
}
REFUSALS = {NOT_STARTED: 0x37, IDLE: 0x10, OPERATING: 0x34, AUTHENTICATED: 0x35}
REACH = {NOT_STARTED: None, IDLE: set_up, OPERATING: operate, AUTHENTICATED: sign_in}


def arguments(code: int, emulator: Emulator) -> bytes:
    """Return data that the command takes."""
    target = packed(emulator.air.pan.address)
    return {
        0x005F: bytes((5, 0, channel(emulator), 0)),
        0x0101: b"\0",
        0x010A: b"\0",
        0x0051: bytes.fromhex("01 0003FFF0 00 0000000000000000"),
        0x00DB: bytes.fromhex("0003FFF0"),
        0x0054: credentials(),
        0x0005: bytes.fromhex("1F90"),
        0x0006: bytes.fromhex("0E1A"),
        0x0008: transmission(emulator, GET_POWER),
        0x00D1: target + bytes.fromhex("0004 00 01020304"),
    }.get(code, b"")


@pytest.mark.parametrize("state", ANY, ids=["not started", "idle", "operating", "authenticated"])
@pytest.mark.parametrize("code", ALLOWED, ids=lambda code: f"{code:04X}")
def test_each_command_is_allowed_where_the_manual_says(code: int, state: int) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            if (reach := REACH[state]) is not None:
                await reach(emulator, host)
            answer = await host.ask(code, arguments(code, emulator))
            allowed = state in ALLOWED[code]
            assert answer[0] == (1 if allowed else REFUSALS[state])
            assert allowed or len(answer) == 1

    run(play())


@pytest.mark.parametrize("name", J11_PRODUCTS)
def test_a_version_is_what_real_dongles_say(name: str) -> None:
    async def play() -> None:
        async with emulated(dongle=name) as (_, host):
            found = await host.say(transcripts.load("31").sent()[0])
            assert (
                b"".join(frame(*item, unique=bytes.fromhex("D0F9EE5D")) for item in found)
                == transcripts.load("31").received()[0]
            )

    run(play())


def test_the_application_note_is_answered_command_by_command() -> None:
    """The same codes come back; channel and credentials are those of the note."""

    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.move_meter(0x21 + 2 * 8)  # channel 12
            capture = transcripts.load("30")
            found: list[int] = []
            for request in capture.sent()[:8]:
                found += [code for code, _ in await host.say(request, 20)]
            said = [int.from_bytes(piece[4:6]) for piece in capture.received()]
            # The note leaves the channels 13 to 17 out, and ends with other pushes.
            assert [code for code in found if code != 0x4051] == [
                code for code in said[: said.index(0x6018) + 1] if code != 0x4051
            ]
            assert found.count(0x4051) == 14

    run(play())


def test_a_scan_shows_the_meter_on_its_channel_and_takes_its_time() -> None:
    async def play() -> None:
        async with emulated(neighbours=3) as (emulator, host):
            await set_up(emulator, host)
            began = asyncio.get_running_loop().time()
            scan = "08 0003FFF0 01" + ROUTE_B_ID[-8:].encode().hex()
            assert await host.ask(0x0051, scan, 60) == b"\1"
            assert asyncio.get_running_loop().time() - began == pytest.approx(35.8, abs=0.3)
            pan = emulator.air.pan
            for number in range(4, 18):
                result = await host.until(0x4051)
                assert result[1] == number
                if number == channel(emulator):
                    place = bytes.fromhex(pan.mac) + pan.pan_id.to_bytes(2)
                    assert result[:-1] == bytes((0, number, 1)) + place
                    assert -104 <= int.from_bytes(result[-1:], signed=True) <= -34
                else:
                    assert result == bytes((1, number))

    run(play())


def test_a_scan_without_pairing_id_hears_all_meters() -> None:
    async def play() -> None:
        async with emulated(neighbours=4) as (emulator, host):
            await set_up(emulator, host)
            assert await host.ask(0x0051, "06 0003FFF0 00", 60) == b"\1"
            devices = 0
            for _ in range(14):
                result = await host.until(0x4051)
                devices += result[2] if result[0] == 0 else 0
            assert devices == 5

    run(play())


def test_a_meter_may_be_deaf_to_short_scans_and_answers_no_foreign_id() -> None:
    async def play() -> None:
        async with emulated(shortest_scan=7) as (emulator, host):
            await set_up(emulator, host)
            ours = ROUTE_B_ID[-8:].encode().hex()
            for scan, heard in (
                ("06 0003FFF0 01" + ours, 0),
                ("07 0003FFF0 01" + ours, 1),
                ("07 0003FFF0 01" + b"00000000".hex(), 0),
            ):
                assert await host.ask(0x0051, scan, 60) == b"\1"
                results = [await host.until(0x4051) for _ in range(14)]
                assert sum(result[0] == 0 for result in results) == heard

    run(play())


def test_a_start_joins_the_meter_of_our_id_on_the_channel_of_the_set_up_only() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            wrong = 4 + (channel(emulator) - 3) % 14
            assert await host.ask(0x005F, bytes((5, 0, wrong, 0))) == b"\1"
            assert await host.ask(0x0053) == b"\x0e"  # no credentials
            assert await host.ask(0x0054, credentials()) == b"\1"
            began = asyncio.get_running_loop().time()
            assert await host.ask(0x0053) == b"\x0e"  # no meter there
            assert 2.5 <= asyncio.get_running_loop().time() - began <= 2.7
            assert await host.ask(0x005F, bytes((5, 0, channel(emulator), 0))) == b"\1"
            pan = emulator.air.pan
            place = await host.ask(0x0053)
            assert place[:-1] == bytes((1, channel(emulator))) + pan.pan_id.to_bytes(
                2
            ) + bytes.fromhex(pan.mac)
            assert await host.ask(0x0001) == bytes((1, 3, 2, 1))
            assert await host.ask(0x005E) == b"\1" + pan.pan_id.to_bytes(2)
            peer = bytes.fromhex(pan.mac) + pan.pan_id.to_bytes(2) + bytes((1, 7, 1))
            assert await host.ask(0x0011) == b"\1\1\1" + peer

    run(play())


def test_a_reading_is_answered_encrypted_and_survives_the_closing_of_the_port() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            assert await host.ask(0x0008, transmission(emulator, GET_POWER)) == (
                b"\1\0" + GET_POWER[:5]
            )
            received = await host.until(0x6018)
            pan = emulator.air.pan
            assert received[:24] == (
                packed(pan.address)
                + bytes.fromhex("0E1A0E1A")
                + pan.pan_id.to_bytes(2)
                + bytes((0, 2))
            )
            expected = emulator.meter.profile.power(emulator.config.clock())
            assert int.from_bytes(received[-4:], signed=True) == pytest.approx(expected, abs=200)

            again = type(host)()
            await emulator.connector()(lambda: again)
            assert await again.ask(0x0001) == bytes((1, 3, 3, 1))
            assert await again.ask(0x0005, "0E1A") == b"\x0a"
            assert await power(emulator, again)

    run(play())


def test_wrong_credentials_are_refused_soon_and_silence_takes_minutes() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host, "0123456789AC")
            assert await host.ask(0x0056) == b"\1"
            assert await host.ask(0x0056) == b"\x52"
            began = asyncio.get_running_loop().time()
            refused = await host.until(0x6028)
            assert refused == b"\2" + bytes.fromhex(emulator.air.pan.mac)
            assert asyncio.get_running_loop().time() - began < 5
            emulator.faults.lose_meter()
            assert await host.ask(0x0056) == b"\1"
            began = asyncio.get_running_loop().time()
            assert (await host.until(0x6028, 800))[0] == 3
            assert 491 <= asyncio.get_running_loop().time() - began <= 707

    run(play())


def test_small_letters_of_a_password_are_made_large() -> None:
    async def play() -> None:
        async with emulated(password="ABCDEF012345") as (emulator, host):
            await operate(emulator, host, "abcdef012345")
            assert await host.ask(0x0056) == b"\1"
            assert (await host.until(0x6028))[0] == 1

    run(play())


def test_the_end_of_a_session_wipes_the_credentials_and_the_ports() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            assert await host.ask(0x0058) == b"\x35"
            assert await host.ask(0x0057) == b"\1"
            assert await host.ask(0x0001) == bytes((1, 3, 2, 1))
            assert await host.ask(0x0056) == b"\x51"
            assert not emulator.air.session
            assert await host.ask(0x0007) == bytes.fromhex("01 01 0E1A")
            assert await host.ask(0x0058) == b"\1"
            await operate(emulator, host)
            assert await host.ask(0x0007) == bytes.fromhex("01 01 0E1A")

    run(play())


def test_a_meter_answers_no_sign_in_for_a_moment_after_the_end_of_a_session() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            assert await host.ask(0x0057) == b"\1"
            assert await host.ask(0x0054, credentials()) == b"\1"
            assert await host.ask(0x0056) == b"\1"
            assert (await host.until(0x6028, 800))[0] == 3

    run(play())


def test_a_reset_forgets_everything_and_says_when_it_is_done() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            found = await host.say(frame(0x00D9))
            assert found == [(0x6019, b"")]
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))
            assert await host.ask(0x0107) == bytes.fromhex("01 FF 00 FF 00")
            assert await host.ask(0x0011) == b"\1\0"

    run(play())


@pytest.mark.parametrize("command", [0x0051, 0x0053], ids=["scan", "start"])
def test_only_a_reset_is_taken_while_a_command_runs(command: int) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await set_up(emulator, host)
            host.write(frame(command, arguments(command, emulator)))
            assert await host.ask(0x0001) == b"\x3d"
            found = await host.say(frame(0x00D9), 60)
            assert found == [(0x6019, b"")]

    run(play())


def test_a_datagram_to_a_port_that_is_not_open_is_dropped_and_notified() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            assert await host.ask(0x0006, "0E1A") == b"\1"
            assert await host.ask(0x0006, "0E1A") == b"\x0b"
            assert await host.ask(0x0056) == b"\1"
            dropped = await host.until(0x6038)
            assert dropped[:17] == b"\x40" + packed(emulator.air.pan.address)
            assert dropped[-5:-3] == b"\x10\x81"

    run(play())


@pytest.mark.parametrize(
    ("port", "result"),
    [("0000", 4), ("02CC", 4), ("4D4C", 4), ("7CC5", 4), ("0E1A", 0x0A), ("0001", 1)],
)
def test_system_ports_cannot_be_opened(port: str, result: int) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            assert await host.ask(0x0005, port) == bytes((result,))

    run(play())


def test_no_more_than_ten_ports_can_be_open() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            results = [(await host.ask(0x0005, f"{1000 + n:04X}"))[0] for n in range(10)]
            assert results == [1] * 9 + [0x12]

    run(play())


def test_large_datagrams_take_longer_and_others_are_refused() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            began = asyncio.get_running_loop().time()
            assert (await host.ask(0x0008, transmission(emulator, bytes(1232))))[:2] == b"\1\0"
            assert 4 <= asyncio.get_running_loop().time() - began <= 7
            other = "FE80:0000:0000:0000:0250:C2FF:FEDC:2822"
            assert await host.ask(0x0008, transmission(emulator, b"x", other)) == b"\6"
            all_nodes = "FF02:0000:0000:0000:0000:0000:0000:0001"
            assert (await host.ask(0x0008, transmission(emulator, b"x", all_nodes)))[:2] == b"\1\0"
            assert await host.ask(0x0008, transmission(emulator, b"xy")[:-1]) == b"\x11"
            assert await host.ask(0x0008, transmission(emulator, b"")) == b"\4"

    run(play())


def test_plain_text_is_sent_before_the_sign_in_and_never_answered() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            assert not await power(emulator, host)
            assert emulator.air.traffic.requests == 1

    run(play())


def test_a_ping_is_answered_or_given_up_after_ten_seconds() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            ping = packed(emulator.air.pan.address) + bytes.fromhex("0004 00 01020304")
            assert await host.ask(0x00D1, ping) == b"\1"
            assert await host.ask(0x00D1, ping) == b"\x3c"
            pong = await host.until(0x60D1)
            assert (pong[0], pong[-6:]) == (1, bytes.fromhex("0004 01020304"))
            emulator.faults.lose_meter()
            assert await host.ask(0x00D1, ping) == b"\1"
            began = asyncio.get_running_loop().time()
            assert await host.until(0x60D1) == b"\0"
            assert 10 < asyncio.get_running_loop().time() - began < 12

    run(play())


@pytest.mark.parametrize(
    ("data", "result"),
    [
        ("05 00 03 00", 0x04),
        ("05 00 12 00", 0x04),
        ("05 00 FF 00", 0x04),
        ("04 00 04 00", 0x04),
        ("05 02 04 00", 0x04),
        ("05 00 04 03", 0x04),
        ("05 00 04", 0x11),
        ("05 00 04 00 00", 0x11),
        ("05 00 11 02", 0x01),
    ],
)
def test_a_set_up_must_be_possible(data: str, result: int) -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            assert await host.ask(0x005F, data) == bytes((result,))

    run(play())


def test_without_route_b_its_commands_are_refused() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            assert await host.ask(0x005F, "01 00 04 00") == b"\1"
            assert await host.ask(0x0053) == b"\x14"

    run(play())


def test_a_pan_next_door_with_our_id_lets_nobody_in() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            trap = emulator.faults.add_trap()
            number = 4 + (trap.channel - 0x21) // 2
            assert await host.ask(0x005F, bytes((5, 0, number, 0))) == b"\1"
            assert await host.ask(0x0054, credentials()) == b"\1"
            assert (await host.ask(0x0053))[4:12] == bytes.fromhex(trap.mac)
            assert await host.ask(0x0056) == b"\1"
            assert await host.until(0x6028) == b"\2" + bytes.fromhex(trap.mac)

    run(play())


def test_the_meter_announces_each_half_hour() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            for _ in range(3):
                data = await host.until(0x6018, 2100)
                assert data[37:40] == bytes.fromhex("7302EA")

    run(play())


# --- The line -------------------------------------------------------------------------------


def test_what_cannot_be_a_request_gets_its_result() -> None:
    good = frame(0x0001)
    bad_sum = good[:8] + b"\0\1" + good[10:]
    bad_data = frame(0x005F, "05 00 04 00")[:-1] + b"\1"
    head = REQUEST + bytes.fromhex("0001 0003")
    short = head + (sum(head) & 0xFFFF).to_bytes(2) + bytes(2)
    head = REQUEST + bytes.fromhex("0001 054A")
    long = head + (sum(head) & 0xFFFF).to_bytes(2) + bytes(2)

    async def play() -> None:
        async with emulated() as (_, host):
            assert await host.say(bad_sum) == [(0x2FFF, b"\xf0")]
            assert await host.say(bad_data) == [(0x205F, b"\xf1")]
            assert await host.say(short) == [(0x2001, b"\xf2")]
            assert await host.say(long) == [(0x2001, b"\xf3")]
            assert await host.say(frame(0x0002)) == [(0xFFFF, b"\3")]
            assert await host.say(good[:-1]) == [(0x2001, b"\x13")]
            assert await host.say(good[:5]) == [(0x2FFF, b"\x13")]
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))

    run(play())


def test_text_is_dropped_and_cut_requests_are_put_together() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            assert await host.say(b"SKVER\r\n" * 20) == []
            host.heard.clear()
            for byte in b"noise" + frame(0x006B):
                host.write(bytes((byte,)))
                await asyncio.sleep(0.9)
            assert (await host.until(0x206B))[0] == 1

    run(play())


def test_zeros_for_both_sums_are_taken_where_clients_send_them() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            reset = REQUEST + bytes.fromhex("00D9 0004 0000 0000")
            assert await host.say(reset) == [(0x6019, b"")]
            setting = REQUEST + bytes.fromhex("005F 0008 0000 0000 05000400")
            assert await host.say(setting) == [(0x205F, b"\1")]
            version = REQUEST + bytes.fromhex("006B 0004 0000 0000")
            assert await host.say(version) == [(0x2FFF, b"\xf0")]

    run(play())
