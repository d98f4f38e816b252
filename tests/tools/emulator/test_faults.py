"""What goes wrong on the air, at the meter and in the dongle."""

import asyncio
from pathlib import Path
import re

import pytest

from custom_components.wisun_route_b.stack import Credentials, SmartMeter, errors, properties
from tests.virtual_clock import now, run
from tools.emulator import PRODUCTS, Emulator, EmulatorConfig

from .test_session_faults import events, join_again, power
from .test_transports import _exchange
from .wire import ROUTE_B_ID, Host, emulated, join, sendto, sign_in

GET_POWER = bytes.fromhex("1081525305FF010288016201E700")
REFUSED = b" 01\r\nOK\r\n"
TRANSMITTED = b" 00\r\nOK\r\n"


async def scan(emulator: Emulator, host: Host) -> bytes:
    await host.ask(f"SKSETRBID {ROUTE_B_ID}")
    return await host.say(b"SKSCAN 2 FFFFFFFF 7 0\r\n", 40)


# --- The air and the meter -------------------------------------------------------------------


def test_transmit_limit_refuses_every_datagram_until_it_is_released() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            host.heard.clear()
            emulator.faults.limit_transmission()
            emulator.faults.limit_transmission()
            assert events(await host.say(b"", 1)) == ["32"]
            assert await host.ask("SKSREG SFB") == [b"ESREG 1\r\n", b"OK\r\n"]
            for _ in range(3):
                assert (await host.say(sendto(emulator, GET_POWER), 5)).endswith(REFUSED)
            host.heard.clear()
            emulator.faults.release_transmission()
            assert events(await host.say(b"", 1)) == ["33"]
            assert await host.ask("SKSREG SFB") == [b"ESREG 0\r\n", b"OK\r\n"]
            assert await power(emulator, host)

            emulator.faults.limit_transmission()
            await join_again(emulator, host)
            assert events(await host.until(b"EVENT 24")) == ["32", "24"]

    run(play())


def test_time_of_transmission_is_counted_in_sfd_and_cleared_by_writing_0() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            before = await host.ask("SKSREG SFD")
            assert before[0] == b"ESREG 0000000000000000\r\n"
            await join(emulator, host)
            await power(emulator, host)
            after = (await host.ask("SKSREG SFD"))[0].split()[1]
            assert 0 < int(after, 16) < 1000
            await host.ask("SKSREG SFD 0")
            assert await host.ask("SKSREG SFD") == before

    run(play())


def test_rebooted_meter_acknowledges_and_stays_silent_until_a_new_join() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            await power(emulator, host)
            emulator.faults.reboot_meter(60)
            assert (await host.say(sendto(emulator, GET_POWER), 5)).endswith(REFUSED)
            assert b"EPANDESC" not in await scan(emulator, host)
            await asyncio.sleep(60)
            assert (await host.say(sendto(emulator, GET_POWER), 60)).endswith(TRANSMITTED)
            assert b"EPANDESC" in await scan(emulator, host)
            await join_again(emulator, host)
            await host.until(b"EVENT 25")
            assert await power(emulator, host)
            # Nothing is announced to a dongle that is not known.
            emulator.faults.reboot_meter(1)
            assert b"ERXUDP" not in await host.say(b"", 7200)

    run(play())


@pytest.mark.parametrize(
    "where", [(None, None), (0x25, None), (None, 0x1234), (0x25, 0x1234)], ids=str
)
def test_moved_meter_is_found_by_a_scan_only(where: tuple[int | None, int | None]) -> None:
    async def play() -> None:
        async with emulated(seed=5) as (emulator, host):
            await join(emulator, host)
            old = emulator.air.pan
            new = emulator.faults.move_meter(*where)
            assert emulator.air.pan == new
            assert (new.channel, new.pan_id) != (old.channel, old.pan_id)
            assert (where[0] or new.channel, where[1] or new.pan_id) == (new.channel, new.pan_id)
            assert (new.mac, new.pair_id) == (old.mac, old.pair_id)
            assert (await host.say(sendto(emulator, GET_POWER), 5)).endswith(REFUSED)
            heard = await scan(emulator, host)
            assert f"Channel:{new.channel:02X}\r\n".encode() in heard
            assert f"Pan ID:{new.pan_id:04X}\r\n".encode() in heard
            await join(emulator, host)
            assert await power(emulator, host)

    run(play())


def test_meter_out_of_range_is_not_heard_and_remembers_the_session() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.lose_meter()
            assert not emulator.faults.healthy
            assert (await host.say(sendto(emulator, GET_POWER), 5)).endswith(REFUSED)
            assert b"EPANDESC" not in await scan(emulator, host)
            emulator.faults.return_meter()
            assert await power(emulator, host)

    run(play())


@pytest.mark.parametrize("name", PRODUCTS)
def test_ping_is_answered_by_who_is_there(name: str) -> None:
    async def play() -> None:
        async with emulated(dongle=name) as (emulator, host):
            await sign_in(emulator, host)
            side = "0 " if emulator.config.product.dual else ""
            command = f"SKPING {side}{emulator.air.pan.address}"
            pong = f"EPONG {side}{emulator.air.pan.address}\r\n".encode()
            assert await host.ask(command) == [b"OK\r\n", pong]
            emulator.faults.lose_meter()
            assert await host.ask(command, 10) == [b"OK\r\n"]
            wrong = "SKPING" if side else "SKPING 0 " + emulator.air.pan.address
            assert await host.ask(wrong) == [b"FAIL ER05\r\n"]

    run(play())


def test_traffic_is_counted_as_it_is_on_the_air() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            traffic = emulator.air.traffic
            await join(emulator, host)
            assert traffic.as_dict() == {
                "requests": 0,
                "request_bytes": 0,
                "answers": 1,
                "answer_bytes": 18,
                "pana": 8,
            }
            traffic.reset()
            await power(emulator, host)
            emulator.faults.rates.lose_answer = 1
            await power(emulator, host)
            assert (traffic.requests, traffic.request_bytes) == (2, 28)
            assert (traffic.answers, traffic.answer_bytes) == (2, 36)

    run(play())


# --- The dongle ------------------------------------------------------------------------------


def test_power_cycle_forgets_everything_and_leaves_the_port_open() -> None:
    async def play() -> None:
        async with emulated(echo=True) as (emulator, host):
            await host.ask("SKSREG SFE 0")
            await join(emulator, host)
            await host.ask("SKSREG SA2 1")
            host.heard.clear()
            emulator.faults.reset_dongle()
            garbage = await host.say(b"SKVER\r\n", 0.4)
            assert 3 <= len(garbage) <= 12
            await asyncio.sleep(0.2)
            assert await host.ask("SKVER") == [b"SKVER\r\n", b"EVER 1.5.2\r\n", b"OK\r\n"]
            info = (await host.ask("SKINFO"))[1].split()
            assert info[3:5] == [b"21", b"FFFF"]
            assert (await host.ask("SKSREG SA2"))[1] == b"ESREG 0\r\n"
            assert (await host.ask("SKTERM"))[1] == b"FAIL ER10\r\n"
            join_command = f"SKJOIN {emulator.air.pan.address}"
            assert (await host.ask(join_command))[1] == b"FAIL ER10\r\n"
            assert host.lost == []
            assert emulator.air.session  # the meter was not notified

    run(play())


def test_power_cycle_in_the_middle_of_a_command_loses_it() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            for beginning in (b"SKSENDTO 1 ", sendto(emulator, GET_POWER)[:-3]):
                host.transport.write(beginning)
                await asyncio.sleep(0.1)
                emulator.faults.reset_dongle()
                await asyncio.sleep(1)
                assert (await host.ask("SKSREG SFE 0"))[-1] == b"OK\r\n"
            await join(emulator, host)
            host.transport.write(sendto(emulator, GET_POWER) + b"SKVER\r\n")
            await asyncio.sleep(0.01)
            host.heard.clear()
            emulator.faults.reset_dongle()
            assert b"OK" not in await host.say(b"", 10)
            assert b"OK\r\n" in await host.ask("SKVER")

    run(play())


def test_registers_in_flash_come_back_after_a_power_cycle_if_they_are_to() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            for command in ("SKSREG S2 2A", "SKSREG SFF 1", "SKSAVE"):
                await host.ask(command)
            emulator.faults.reset_dongle()
            await asyncio.sleep(1)
            assert (await host.ask("SKSREG S2"))[-2:] == [b"ESREG 2A\r\n", b"OK\r\n"]

    run(play())


def test_muted_dongle_hears_and_prints_nothing() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            await join(emulator, host)
            emulator.faults.mute_dongle()
            assert await host.ask("SKVER", 3600) == []
            emulator.faults.unmute_dongle()
            assert await host.ask("SKVER") == [b"EVER 1.5.2\r\n", b"OK\r\n"]
            assert await power(emulator, host)

    run(play())


def test_a_dongle_that_answers_ok_to_everything_does_nothing() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.always_ok = True
            for command in ("SKINFO", "SKVER", "SKSCAN 2 FFFFFFFF 6 0", "NONSENSE", "SKTERM"):
                assert await host.ask(command, 30) == [b"OK\r\n"]
            assert await host.say(sendto(emulator, GET_POWER), 30) == b"OK\r\n"
            assert emulator.air.traffic.requests == 0

    run(play())


def test_babble_is_so_many_events() -> None:
    async def play() -> None:
        async with emulated() as (emulator, host):
            emulator.faults.babble(500)
            assert (await host.say(b"", 1)).count(b"EVENT 20 FE80:") == 500

    run(play())


# --- The plug --------------------------------------------------------------------------------


def test_unplugged_dongle_is_gone_under_every_host_and_comes_back_empty() -> None:
    async def play() -> None:
        async with emulated() as (emulator, first):
            connect = emulator.connector()
            second = Host()
            await connect(lambda: second)
            await join(emulator, first)
            emulator.faults.unplug()
            emulator.faults.unplug()
            await asyncio.sleep(0)
            for host in (first, second):
                assert [type(error) for error in host.lost] == [OSError]
                assert host.transport.is_closing()
            with pytest.raises(FileNotFoundError):
                await connect(Host)
            with pytest.raises(errors.PortNotFoundError):
                await emulator.connector(missing=errors.PortNotFoundError)(Host)
            emulator.faults.mute_dongle()
            await asyncio.sleep(60)
            emulator.faults.replug()
            emulator.faults.unmute_dongle()
            third = Host()
            await connect(lambda: third)
            assert await third.ask("SKVER") == [b"EVER 1.5.2\r\n", b"OK\r\n"]
            assert await third.ask("SKTERM") == [b"FAIL ER10\r\n"]
            assert emulator.dongle.flash_writes == 0
            assert first.lost == first.lost[:1]

    run(play())


def test_replug_cures_a_dongle_that_hangs() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            emulator.faults.mute_dongle()
            emulator.faults.limit_transmission()
            emulator.faults.unplug()
            emulator.faults.replug()
            host = Host()
            await emulator.connector()(lambda: host)
            assert await host.ask("SKVER") == [b"EVER 1.5.2\r\n", b"OK\r\n"]
            assert emulator.faults.healthy

    run(play())


def test_our_stack_sees_the_port_go_and_come() -> None:
    async def play() -> None:
        async with Emulator(EmulatorConfig(clock=now)) as emulator:
            credentials = Credentials(emulator.config.route_b_id, emulator.config.password)
            meter = SmartMeter(emulator.connector(missing=errors.PortNotFoundError), credentials)
            await meter.connect()
            emulator.faults.unplug()
            await asyncio.sleep(0.01)
            with pytest.raises(errors.PortLostError):
                await meter.read([properties.INSTANTANEOUS_POWER])
            with pytest.raises(errors.PortNotFoundError):
                await meter.connect()
            emulator.faults.replug()
            await meter.connect()
            assert (await meter.read([properties.INSTANTANEOUS_POWER])).values
            await meter.close()

    run(play())


@pytest.mark.parametrize("other", [False, True], ids=["same link", "another link"])
async def test_pty_goes_with_the_plug_and_comes_back(tmp_path: Path, other: bool) -> None:
    path = tmp_path / "ttyEMU0"
    new = tmp_path / "ttyEMU1" if other else path
    async with Emulator(EmulatorConfig(speed=1000, echo=False)) as emulator:
        emulator.serve_pty(path)
        descriptor = await asyncio.to_thread(path.open, "r+b", buffering=0)
        with descriptor:
            emulator.faults.unplug()
            assert not path.is_symlink()
            with pytest.raises(OSError, match=r"\[Errno 5\]"):
                descriptor.write(b"SKVER\r\n")
        emulator.faults.replug(new if other else None)
        assert path.is_symlink() is not other
        assert await _exchange(new, b"SKVER\r\n", b"OK\r\n") == b"EVER 1.5.2\r\nOK\r\n"
    assert not new.is_symlink()


async def test_pty_that_is_asked_for_while_unplugged_appears_with_the_plug(tmp_path: Path) -> None:
    path = tmp_path / "ttyEMU0"
    async with Emulator(EmulatorConfig(speed=1000, echo=False)) as emulator:
        emulator.faults.unplug()
        emulator.serve_pty(path)
        assert not path.is_symlink()
        emulator.faults.heal()
        assert await _exchange(path, b"SKVER\r\n", b"OK\r\n") == b"EVER 1.5.2\r\nOK\r\n"


# --- Health ----------------------------------------------------------------------------------


def test_healing_ends_everything_that_lasts() -> None:
    async def play() -> None:
        async with emulated() as (emulator, _):
            faults = emulator.faults
            assert faults.healthy
            for harm in (
                faults.lose_meter,
                faults.reboot_meter,
                faults.limit_transmission,
                faults.mute_dongle,
                faults.unplug,
                faults.add_trap,
                lambda: setattr(faults, "always_ok", True),
                lambda: faults.rates.set(garble=0.1),
            ):
                harm()
                seen = [faults.healthy]
                faults.heal()
                assert [*seen, faults.healthy] == [False, True]
            await asyncio.sleep(100)
            assert faults.healthy

    run(play())


def test_faults_shift_nothing_in_the_ordinary_run_of_things() -> None:
    async def play(*, harm: bool) -> bytes:
        async with emulated(seed=3) as (emulator, host):
            await join(emulator, host)
            if harm:
                emulator.faults.add_neighbour()
                emulator.faults.rates.set(duplicate_answer=1, split=1)
                emulator.faults.reauthenticate()
            else:
                await asyncio.sleep(0)
            await asyncio.sleep(20)
            emulator.faults.heal()
            host.heard.clear()
            heard = b""
            for _ in range(5):
                heard += await host.say(sendto(emulator, GET_POWER), 5)
            return re.sub(rb"E704\S+", b"", heard)

    assert run(play(harm=True)) == run(play(harm=False))
