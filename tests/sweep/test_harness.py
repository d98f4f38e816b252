"""The sweep itself: it cuts what it should, strikes once, and is able to find each kind of failure."""

import asyncio
from collections.abc import Callable
from datetime import datetime
import logging
from typing import override

import pytest

from custom_components.wisun_route_b import stack
from custom_components.wisun_route_b.stack import LinkState, ReadReport, RouteBError
from custom_components.wisun_route_b.stack.j11 import Receiver as J11Receiver
from custom_components.wisun_route_b.stack.skstack import Receiver
from tools.emulator import Emulator, EmulatorConfig
from tools.emulator.j11.frames import FROM_DONGLE, FROM_HOST, encode, total

from .faults import Effect, Fault
from .host import Host
from .injection import Injection, Kind, Outcome, inject, recorded
from .j11 import J11Splitter, J11Vocabulary
from .report import Findings
from .scenarios import SCENARIOS
from .skstack import SkstackSplitter, SkstackVocabulary
from .units import Direction, Place, Step, Unit
from .world import KITS, PASSWORD, Kit, World

_SINGLE, _HEX, _DUAL, _, _J11 = KITS
_ANSWER = Step(Direction.IN, "ERXUDP-72-E7E8E0E3", 1)
_READING = Injection("bp35c2", "reading", _ANSWER, "planted")


def planted(
    strike: Callable[[World, Unit], None], effect: Effect | None = None, host: type[Host] = Host
) -> Outcome:
    """Inject something that no stack can cope with."""

    def act(world: World, unit: Unit) -> Effect:
        strike(world, unit)
        return effect or Effect()

    return inject(_READING, fault=Fault("planted", act), make_host=host)


def kinds(outcome: Outcome) -> set[Kind]:
    return {kind for kind, _ in outcome.failures}


def deliver(world: World, unit: Unit) -> None:
    world.tap.deliver(unit.direction, unit.data)


# --- The judge ---------------------------------------------------------------------------------


def test_without_a_fault_nothing_is_found() -> None:
    outcome = planted(deliver)

    assert not outcome.failures
    assert outcome.recovery < 60


def test_port_that_stays_away_is_found() -> None:
    outcome = planted(lambda world, _: world.tap.lose_port(10_000))

    assert kinds(outcome) == {Kind.NOT_READ}
    assert outcome.recovery > 300


def test_other_power_in_a_flawless_answer_is_found() -> None:
    """No checksum protects a digit; so this also shows why damage must be detectable."""

    def lie(world: World, unit: Unit) -> None:
        watts = unit.payload[14:18]
        wrong = (int.from_bytes(watts) ^ 0x1000).to_bytes(4)
        world.tap.deliver(
            unit.direction, unit.data.replace(b"\xe7\x04" + watts, b"\xe7\x04" + wrong)
        )

    assert kinds(planted(lie)) == {Kind.WRONG}


def test_forgotten_task_and_timer_are_found() -> None:
    def leak(world: World, unit: Unit) -> None:
        deliver(world, unit)
        asyncio.get_running_loop().call_later(50_000, print)

    assert kinds(planted(leak)) == {Kind.LEAK}


def test_unexpected_exception_is_found() -> None:
    def fail(world: World, unit: Unit) -> None:
        deliver(world, unit)
        asyncio.get_running_loop().call_soon(int, "no number")

    assert kinds(planted(fail)) == {Kind.LEAK}


def test_state_that_does_not_tell_the_truth_is_found() -> None:
    class Optimist(Host):
        @property
        @override
        def state(self) -> LinkState:
            return LinkState.CONNECTED

    outcome = planted(lambda world, _: world.tap.lose_port(200), Effect(200), Optimist)

    assert kinds(outcome) == {Kind.LIE}


def test_power_that_is_read_too_seldom_is_found() -> None:
    def slow_down(world: World, unit: Unit) -> None:
        deliver(world, unit)
        world.emulator.faults.rates.lose_answer = 1.0
        asyncio.get_running_loop().call_later(120, world.emulator.faults.rates.clear)

    assert not planted(slow_down).failures
    assert planted(slow_down).recovery > 60


def test_link_that_is_lost_again_and_again_fills_the_journal() -> None:
    def lose(world: World, unit: Unit) -> None:
        deliver(world, unit)
        for number in range(15):
            world.tap.after(number * 20.0, lambda: world.tap.lose_port(0.0))

    assert kinds(planted(lose, Effect(300))) == {Kind.JOURNAL}


def test_refusal_that_never_was_is_found() -> None:
    def refuse(world: World, unit: Unit) -> None:
        deliver(world, unit)
        world.emulator.faults.refuse_sign_ins(on=True)
        world.emulator.faults.terminate(27)
        world.tap.after(400, lambda: world.emulator.faults.refuse_sign_ins(on=False))

    assert Kind.BLAMED in kinds(planted(refuse, Effect(400)))


def test_secret_in_the_log_is_found() -> None:
    def leak(world: World, unit: Unit) -> None:
        deliver(world, unit)
        logging.getLogger(stack.__name__).debug("heard %s", world.emulator.air.pan.address.lower())

    assert kinds(planted(leak)) == {Kind.SECRET}


def test_secret_in_an_exception_is_found() -> None:
    class Careless(Host):
        @override
        def _note(
            self, report: ReadReport, began: datetime, error: RouteBError | None = None
        ) -> None:
            super()._note(report, began, error or RouteBError(f"no answer to {PASSWORD}"))

    assert Kind.SECRET in kinds(planted(deliver, host=Careless))


def test_step_that_never_comes_is_found() -> None:
    elsewhere = Injection("bp35c2", "reading", Step(Direction.IN, "EVENT-29", 1), "lost")

    assert kinds(inject(elsewhere)) == {Kind.NOT_REACHED}


# --- The recording -----------------------------------------------------------------------------


@pytest.mark.parametrize("kit", KITS, ids=str)
@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_is_the_same_every_time_and_strikes_at_every_step(kit: Kit, name: str) -> None:
    once, twice = (recorded(kit, SCENARIOS[name], 1) for _ in range(2))

    assert once == twice
    assert len({injection.step for injection in once}) * 20 < len(once) or name == "push-inf"


def test_same_injection_has_the_same_outcome() -> None:
    injection = Injection(str(_SINGLE), "rejoin", Step(Direction.OUT, "SKJOIN", 1), "lost")

    assert inject(injection) == inject(injection)


def test_report_names_the_command_that_repeats_a_failure() -> None:
    findings = Findings()
    findings.add(planted(lambda world, _: world.tap.lose_port(10_000)))

    text = "\n".join(findings.lines())
    assert "1 injections at 1 distinct steps, 1 failed" in text
    assert f"--scenario reading --step {_ANSWER} --fault planted --seed 1" in text


def test_step_can_be_written_and_read() -> None:
    assert Step.parse(str(_ANSWER)) == _ANSWER
    with pytest.raises(ValueError):
        Step.parse("sideways:SKVER:1")


# --- SKSTACK -----------------------------------------------------------------------------------

_SENDTO = b"SKSENDTO 1 FE80:0000:0000:0000:021C:6400:6014:21A3 0E1A 1 0 000E "
_GET = bytes.fromhex("108100010D0A000288016201E700")
_HEAD = (
    b"ERXUDP FE80:0000:0000:0000:021C:6400:6014:21A3 FE80:0000:0000:0000:021D:1290:0005:747B "
    b"0E1A 0E1A 001C6400601421A3 1 0 0012 "
)
_RES = bytes.fromhex("1081000102880105FF017201E70400000D0A")


def test_commands_are_cut_at_their_ends_and_datagrams_by_their_length() -> None:
    splitter = SkstackSplitter()
    data = b"SKSREG SFE 0\r\n" + _SENDTO + _GET + b"\r\nSKVER\r\n"
    units = [
        unit for at in range(len(data)) for unit in splitter.feed(Direction.OUT, data[at : at + 1])
    ]

    assert [unit.kind for unit in units] == ["SKSREG-SFE", "SKSENDTO-62-E7", "", "SKVER"]
    assert units[1].payload == _GET
    assert b"".join(unit.data for unit in units) == data


@pytest.mark.parametrize("payload", [_RES, _RES.hex().upper().encode()], ids=["raw", "hex"])
def test_lines_and_datagrams_are_named(payload: bytes) -> None:
    splitter = SkstackSplitter()
    splitter.feed(Direction.OUT, b"SKINFO\r\n")
    data = b"EVENT 21 FE80:0000:0000:0000:021C:6400:6014:21A3 0 00\r\nOK\r\n" + _HEAD
    units = splitter.feed(Direction.IN, data + payload + b"\r\n")

    assert [unit.kind for unit in units] == ["EVENT-21-00", "OK-SKINFO", "ERXUDP-72-E7"]
    assert units[2].payload == _RES


@pytest.mark.parametrize("place", Place)
@pytest.mark.parametrize("payload", [_RES, _RES.hex().upper().encode()], ids=["raw", "hex"])
def test_damage_to_a_datagram_can_be_detected(payload: bytes, place: Place) -> None:
    """Else a wrong number would be the emulator's doing, and not the stack's."""
    words = SkstackVocabulary(Emulator(EmulatorConfig()))
    (unit,) = SkstackSplitter().feed(Direction.IN, _HEAD + payload + b"\r\n")
    receiver = Receiver()

    damaged = words.damaged(unit, place)
    assert len(damaged) == len(unit.data)
    assert damaged != unit.data
    messages = [*receiver.receive(damaged + b"OK\r\n"), *receiver.give_up()]
    assert "Datagram" not in [type(message).__name__ for message in messages]


@pytest.mark.parametrize("payload", [_RES, _RES.hex().upper().encode()], ids=["raw", "hex"])
def test_answers_can_be_rewritten(payload: bytes) -> None:
    words = SkstackVocabulary(Emulator(EmulatorConfig()))
    splitter = SkstackSplitter()
    (unit,) = splitter.feed(Direction.IN, _HEAD + payload + b"\r\n")

    other, empty = words.other_transaction(unit), words.empty_refusal(unit)
    assert other
    assert empty
    first, second = splitter.feed(Direction.IN, other + empty)
    assert (first.kind, second.kind) == ("ERXUDP-72-E7", "ERXUDP-52-")
    assert first.payload[4:] == _RES[4:]
    assert first.payload[2:4] != _RES[2:4]
    assert second.payload[2:10] == _RES[2:10]


def test_strays_have_the_form_of_their_firmware() -> None:
    dual = SkstackVocabulary(Emulator(EmulatorConfig(dongle="bp35c2")))
    single = SkstackVocabulary(Emulator(EmulatorConfig(dongle="bp35a1")))

    assert dual.strays["EVENT-21-01"].endswith(b" 0 01\r\n")
    assert not single.strays["EVENT-21-01"].endswith(b" 0 01\r\n")
    assert dual.strays.keys() == single.strays.keys()


# --- J11 ---------------------------------------------------------------------------------------

_J11_ANSWER = Step(Direction.IN, "6018-72-E7E8E0E3", 1)


def j11_frame() -> bytes:
    """Return the frame of an answer of the meter, as the emulator prints it."""
    head = bytes.fromhex("FE80000000000000021C6400601421A30E1A0E1A21A30002B9")
    return encode(0x6018, head + (len(_RES) - 2).to_bytes(2) + _RES[:-2])


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_frames_are_cut_and_named_and_noise_is_passed_on(size: int) -> None:
    splitter = J11Splitter()
    noise = b"\x00\xd0\xf9" + FROM_DONGLE + b"\x60\x18\xff\xff\0\0\0\0"
    data = noise + j11_frame() + encode(0x6028, b"\1" + bytes(8)) + encode(0x2053, b"\x0e")
    units = [
        unit
        for at in range(0, len(data), size)
        for unit in splitter.feed(Direction.IN, data[at : at + size])
    ]

    named = [unit for unit in units if unit.kind]
    assert [unit.kind for unit in named] == ["6018-72-E7", "6028-01", "2053"]
    assert named[0].payload == _RES[:-2]
    assert b"".join(unit.data for unit in units) == data


@pytest.mark.parametrize("place", Place)
def test_damage_to_a_frame_can_be_detected(place: Place) -> None:
    words = J11Vocabulary(Emulator(EmulatorConfig(dongle="bp35c0-j11")))
    (unit,) = J11Splitter().feed(Direction.IN, j11_frame())
    receiver = J11Receiver()

    damaged = words.damaged(unit, place)
    assert len(damaged) == len(unit.data)
    assert not [*receiver.receive(damaged), *receiver.give_up()]


def test_answers_in_frames_can_be_rewritten() -> None:
    words = J11Vocabulary(Emulator(EmulatorConfig(dongle="bp35c0-j11")))
    splitter = J11Splitter()
    (unit,) = splitter.feed(Direction.IN, j11_frame())

    other, empty = words.other_transaction(unit), words.empty_refusal(unit)
    assert other
    assert empty
    first, second = splitter.feed(Direction.IN, other + empty)
    assert (first.kind, second.kind) == ("6018-72-E7", "6018-52-")
    assert first.payload[2:4] != unit.payload[2:4]
    assert first.payload[4:] == unit.payload[4:]


@pytest.mark.parametrize("code", [0x0008, 0x0059, 0x00F0])
def test_what_must_never_be_sent_is_found(code: int) -> None:
    """A datagram is forbidden as soon as the session has been over for longer than the host can miss."""
    frame = FROM_HOST + encode(code, bytes(40))[4:]

    def strike(world: World, unit: Unit) -> Effect:
        deliver(world, unit)
        world.emulator.j11.module.joined = None
        world.emulator.j11.module.keys_lost_at = None
        (sent,) = J11Splitter().feed(Direction.OUT, fixed(frame))
        world.watch(sent)
        return Effect()

    injection = Injection(str(_J11), "reading", _J11_ANSWER, "planted")
    assert Kind.FORBIDDEN in kinds(inject(injection, fault=Fault("planted", strike)))


def fixed(frame: bytes) -> bytes:
    """Return the frame with the sum of its header put right."""
    return frame[:8] + total(frame[:8]).to_bytes(2) + frame[10:]
