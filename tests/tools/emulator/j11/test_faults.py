"""Everything that can go wrong with a J11 dongle on purpose."""

import asyncio
from collections.abc import Callable
from random import Random

from hypothesis import given, settings, strategies as st
import pytest

from tests.virtual_clock import run
from tools.emulator import ALL, ALL_J11, Emulator, Kind, Storm
from tools.emulator.control import Control
from tools.emulator.j11.orders import orders

from .wire import (
    GET_POWER,
    RESPONSE,
    Host,
    credentials,
    emulated,
    frame,
    operate,
    packed,
    power,
    read,
    set_up,
    sign_in,
    transmission,
)

STARTED = frame(0x6019, unique=RESPONSE)
A_DAY = 86_400.0


def order(emulator: Emulator, *lines: str) -> None:
    control = Control(emulator.faults, emulator.air, orders(emulator.j11_faults))
    for line in lines:
        assert control.answer(line) == "ok", line


# --- Commands ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("answer 3D", (0x2001, b"\x3d")),
        ("answer F0", (0x2FFF, b"\xf0")),
        ("answer F1 1", (0x2001, b"\xf1")),
        ("answer 37 any 1", (0x2001, b"\x37")),
        ("rates refuse=1 overrun=1", (0x2FFF, b"\xf0")),
    ],
)
def test_a_command_is_refused_and_not_executed(line: str, expected: tuple[int, bytes]) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, line)
            assert await host.say(frame(0x0001)) == [expected]
            order(emulator, "rates")
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))
            assert emulator.faults.healthy

    run(play())


def test_an_order_for_one_command_waits_for_it() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "answer 0C 5F 2")
            assert not emulator.faults.healthy
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))
            for _ in range(2):
                assert await host.ask(0x005F, "05 00 04 00") == b"\x0c"
            assert await host.ask(0x005F, "05 00 04 00") == b"\1"
            assert emulator.faults.healthy

    run(play())


def test_the_first_starts_are_in_vain() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "start_in_vain 2")
            await set_up(emulator, host)
            assert [(await host.ask(0x0053))[0] for _ in range(3)] == [0x0E, 0x0E, 1]

    run(play())


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("transmit 05", 5),
        ("transmit 03", 3),
        ("transmit 02", 2),
        ("transmit 08", 8),
        ("rates fail_send=1", 5),
        ("rates channel_busy=1", 3),
        ("limit_transmission", 2),
        ("lose_meter", 5),
        ("move_meter", 5),
    ],
)
def test_a_datagram_is_not_sent_and_not_answered(line: str, result: int) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            order(emulator, line)
            head = bytes((1, result)) + GET_POWER[:5]
            assert await host.ask(0x0008, transmission(emulator, GET_POWER)) == head
            host.heard.clear()
            await asyncio.sleep(5)
            assert read(bytes(host.heard)) == []
            order(emulator, "rates", "release_transmission", "return_meter")
            assert await power(emulator, host) is (line != "move_meter")

    run(play())


def test_the_hourly_limit_lets_no_sign_in_through() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            order(emulator, "limit_transmission")
            assert await host.ask(0x0056) == b"\1"
            assert (await host.until(0x6028, 800))[0] == 3

    run(play())


# --- The line ----------------------------------------------------------------------------


def test_a_frame_is_torn_where_it_was_ordered() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            whole = frame(0x206B, "01 0400 01 03 0000158A", unique=RESPONSE)
            order(emulator, "tear 13")
            host.write(frame(0x006B))
            await asyncio.sleep(1)
            assert bytes(host.heard) == whole[:13]
            host.heard.clear()
            assert (await host.ask(0x006B)) == whole[12:]

    run(play())


@pytest.mark.parametrize("rate", ["noise_between", "noise_inside", "garble", "truncate", "split"])
def test_noise_spoils_whole_frames_one_by_one(rate: str) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            whole = frame(0x206B, "01 0400 01 03 0000158A", unique=RESPONSE)
            order(emulator, f"rates {rate}=1")
            heard = []
            for _ in range(30):
                host.heard.clear()
                host.write(frame(0x006B))
                await asyncio.sleep(1)
                heard.append(bytes(host.heard))
            match rate:
                case "noise_between":
                    assert all(item.endswith(whole) and item != whole for item in heard)
                    assert any(item.count(RESPONSE) == 2 for item in heard)
                case "noise_inside":
                    assert all(len(item) > len(whole) for item in heard)
                    assert sum(whole in item for item in heard) < 10
                case "garble":
                    assert all(len(item) == len(whole) and item != whole for item in heard)
                case "truncate":
                    assert all(whole.startswith(item) and item != whole for item in heard)
                case _:
                    assert heard == [whole] * 30

    run(play())


def test_noise_can_be_ordered() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "noise D0F9EE5D60")
            await asyncio.sleep(0.1)
            assert bytes(host.heard) == bytes.fromhex("D0F9EE5D60")

    run(play())


# --- The session -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "notified", "state"),
    [
        ("lose_pana", (0x601A, 4), 2),
        ("lose_mac", (0x601A, 3), 1),
        ("end_session", (0x601A, 4), 2),
        ("terminate", (0x601A, 4), 2),
        ("terminate 28", (0x601A, 3), 1),
        ("expire_session", (0x601A, 4), 2),
        ("fail_renewal", (0x6028, 2), 2),
        ("watchdog", (0x6019, None), 1),
    ],
)
def test_a_session_ends_and_can_be_made_again(
    line: str, notified: tuple[int, int | None], state: int
) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            order(emulator, line)
            code, change = notified
            notified_data = await host.until(code)
            mac = bytes.fromhex(emulator.air.pan.mac)
            if change is not None:
                assert notified_data[:9] == bytes((change,)) + mac
            if code == 0x601A:
                assert (notified_data[9] == 0) is (change == 3)
            assert not emulator.air.session or line == "watchdog"
            assert (await host.ask(0x0001))[2] == state
            host.heard.clear()
            if state == 2:
                assert await host.ask(0x0054, credentials()) == b"\1"
                assert await host.ask(0x0056) == b"\1"
                assert (await host.until(0x6028))[0] == 1
                await host.until(0x6018)
            else:
                await sign_in(emulator, host)
            assert await power(emulator, host)

    run(play())


def test_a_renewal_is_silent_and_a_failing_one_is_notified_before_the_session_ends() -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            host.heard.clear()
            before = emulator.air.traffic.pana
            await asyncio.sleep(0.81 * A_DAY)
            assert emulator.air.traffic.pana > before
            assert bytes(host.heard) == b""
            order(emulator, "silence_pana on")
            began = asyncio.get_running_loop().time()
            assert (await host.until(0x6028, 2 * A_DAY))[0] == 3
            waited = asyncio.get_running_loop().time() - began
            assert waited < A_DAY
            assert await power(emulator, host)  # the old keys serve until they expire
            assert (await host.until(0x601A, A_DAY))[0] == 4
            assert not await power(emulator, host)

    run(play())


@pytest.mark.parametrize(
    ("line", "result", "seconds"),
    [
        ("refuse_sign_ins", 2, (1, 5)),
        ("silence_pana", 3, (180, 238)),
        ("lose_meter", 3, (180, 238)),
        ("reboot_meter 0", 3, (180, 238)),
        ("heal", 1, (1, 6)),
    ],
)
def test_a_renewal_that_the_host_asks_for(line: str, result: int, seconds: tuple[int, int]) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            order(emulator, line)
            began = asyncio.get_running_loop().time()
            assert await host.ask(0x00D2) == b"\1"
            assert (await host.until(0x6028, 800))[0] == result
            waited = asyncio.get_running_loop().time() - began
            assert seconds[0] <= waited <= seconds[1]

    run(play())


@pytest.mark.parametrize("line", ["lose_pana", "lose_mac"])
def test_no_authentication_goes_on_after_the_end_of_the_session(line: str) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            order(emulator, "silence_pana on")
            assert await host.ask(0x00D2) == b"\1"
            order(emulator, line, "silence_pana off")
            await host.until(0x601A)
            await asyncio.sleep(300)
            assert bytes(host.heard) == b""
            if line == "lose_mac":
                await operate(emulator, host)
            assert await host.ask(0x0056) == b"\1"
            assert (await host.until(0x6028))[0] == 1

    run(play())


def test_a_sign_in_that_breaks_off_half_way_takes_five_minutes() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            assert await host.ask(0x0056) == b"\1"
            await asyncio.sleep(1)
            order(emulator, "lose_meter")
            began = asyncio.get_running_loop().time()
            assert (await host.until(0x6028, 800))[0] == 3
            assert asyncio.get_running_loop().time() - began == pytest.approx(311, abs=3)

    run(play())


def test_the_end_of_route_b_ends_a_sign_in_without_a_word() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await operate(emulator, host)
            assert await host.ask(0x0056) == b"\1"
            assert await host.ask(0x0058) == b"\1"
            host.heard.clear()
            await asyncio.sleep(800)
            assert bytes(host.heard) == b""
            await sign_in(emulator, host)

    run(play())


@pytest.mark.parametrize("doubt", ["plain", "foreign", "other_pan"])
def test_a_datagram_that_a_careful_host_does_not_take(doubt: str) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            order(emulator, f"deliver {doubt}")
            data = await host.until(0x6018)
            pan = emulator.air.pan
            ours = data[:16] == packed(pan.address)
            here = data[20:22] == pan.pan_id.to_bytes(2)
            encrypted = data[23] == 2
            assert (ours, here, encrypted) == {
                "plain": (True, True, False),
                "foreign": (False, True, True),
                "other_pan": (True, False, True),
            }[doubt]
            assert data[-4:] == (99_999).to_bytes(4)

    run(play())


def test_a_packet_is_dropped() -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            order(emulator, "drop 01")
            assert (await host.until(0x6038))[:17] == b"\1" + packed(emulator.air.pan.address)

    run(play())


# --- The dongle --------------------------------------------------------------------------


def test_han_use_and_foreign_firmware_show() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "use_han on", "firmware 0300")
            assert not emulator.faults.healthy
            assert (await host.ask(0x0001))[3] == 2
            assert (await host.ask(0x006B))[1:3] == b"\x03\x00"
            assert await host.ask(0x005F, "05 00 04 00") == b"\x0f"
            order(emulator, "heal")
            assert (await host.ask(0x006B))[1:3] == b"\x04\x00"
            assert emulator.faults.healthy

    run(play())


def test_a_power_cycle_leaves_garbage_and_ends_with_a_notification() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await sign_in(emulator, host)
            host.heard.clear()
            order(emulator, "reset_dongle")
            host.write(frame(0x0001))  # not heard
            await asyncio.sleep(3)
            assert bytes(host.heard).endswith(STARTED)
            assert 3 <= len(host.heard) - len(STARTED) <= 12
            host.heard.clear()
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))

    run(play())


def test_a_dongle_that_is_plugged_in_again_says_that_it_has_started() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            order(emulator, "unplug", "watchdog", "replug")
            host = Host()
            await emulator.connector()(lambda: host)
            assert await host.until(0x6019) == b""
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))

    run(play())


def test_a_dongle_hangs_until_its_watchdog_resets_it() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "mute_dongle")
            assert await host.say(frame(0x00D9)) == []
            order(emulator, "watchdog")
            assert await host.until(0x6019) == b""

    run(play())


def test_a_deaf_dongle_is_cured_by_a_reset() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "deafen reset")
            assert await host.say(frame(0x0001)) == []
            assert await host.say(frame(0x00D9)) == [(0x6019, b"")]
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))

    run(play())


def test_always_ok_does_nothing_and_babble_means_nothing() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            order(emulator, "always_ok on")
            assert await host.ask(0x005F, "05 00 04 00") == b"\1"
            order(emulator, "always_ok off", "babble 300")
            assert (await host.ask(0x0001))[1] == 2
            assert len(read(bytes(host.heard))) == 300

    run(play())


@pytest.mark.parametrize(
    "line",
    [
        *("answer", "answer 100", "answer xx", "answer 3D 5F 0", "answer 3D 5F 1000"),
        *("transmit", "transmit 100", "transmit 05 0", "start_in_vain 0", "tear -1", "tear 1361"),
        *("silence_pana maybe", "use_han 1", "firmware 0", "firmware 10000", "noise x"),
        *("deliver", "deliver late", "drop 100", "watchdog now", "lose_mac 1"),
    ],
)
def test_other_lines_get_a_reason_and_change_nothing(line: str) -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            control = Control(emulator.faults, emulator.air, orders(emulator.j11_faults))
            assert control.answer(line).startswith("error: ")
            assert emulator.faults.healthy

    run(play())


# --- Whatever comes ----------------------------------------------------------------------


words = st.one_of(
    st.binary(max_size=20),
    st.builds(
        frame,
        st.one_of(st.integers(0, 0x120), st.integers(0, 0xFFFF)),
        st.one_of(st.binary(max_size=50), st.just(credentials()), st.just(b"\5\0\4\0")),
    ),
    st.builds(
        lambda code, end: frame(code, bytes(30))[:end], st.integers(0, 0xFF), st.integers(0, 42)
    ),
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(words, max_size=20), st.booleans())
def test_no_input_breaks_the_dongle(parts: list[bytes], signed_in: bool) -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            if signed_in:
                await sign_in(emulator, host)
            for part in parts:
                host.write(part)
                await asyncio.sleep(0.3)
            await asyncio.sleep(160)
            host.heard.clear()
            host.write(frame(0x00D9))
            await host.until(0x6019)
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))

    run(play())


def test_a_megabyte_of_noise_is_forgotten() -> None:
    async def play() -> None:
        async with emulated() as (_, host):
            random = Random(7)
            for _ in range(250):
                host.write(random.randbytes(4000) + bytes.fromhex("D0EA83FC"))
            await asyncio.sleep(5)
            host.heard.clear()
            assert await host.ask(0x0001) == bytes((1, 2, 1, 1))

    run(play())


# --- Storms ------------------------------------------------------------------------------


@pytest.mark.parametrize("overlapping", [False, True])
def test_everything_strikes_and_afterwards_everything_is_healthy(overlapping: bool) -> None:
    async def play() -> None:
        async with emulated(push="none") as (emulator, host):
            await sign_in(emulator, host)
            storm = Storm(emulator, 1, mean_gap=300, overlapping=overlapping)
            await storm.run(30 * A_DAY)
            assert {incident.kind for incident in storm.history} == set(ALL_J11)
            assert emulator.faults.healthy
            again = Host()
            await emulator.connector()(lambda: again)
            await asyncio.sleep(30)
            again.heard.clear()
            again.write(frame(0x00D9))
            await again.until(0x6019)
            await sign_in(emulator, again)
            assert await power(emulator, again)

    run(play())


def test_the_storms_of_skstack_dongles_are_what_they_were() -> None:
    assert ALL_J11[: len(ALL)] == ALL
    assert {Kind.WATCHDOG, Kind.NOISE_INSIDE}.isdisjoint(ALL)


@pytest.mark.parametrize(
    "use",
    [
        lambda emulator: emulator.j11,
        lambda emulator: emulator.j11_faults,
    ],
)
def test_an_skstack_dongle_has_no_j11_faults(use: Callable[[Emulator], object]) -> None:
    async def play() -> None:
        async with emulated(dongle="bp35c2") as (emulator, _):
            with pytest.raises(TypeError):
                use(emulator)
            assert Control(emulator.faults, emulator.air).answer("watchdog").startswith("error")
        async with emulated() as (emulator, _):
            with pytest.raises(TypeError):
                _ = emulator.dongle

    run(play())
