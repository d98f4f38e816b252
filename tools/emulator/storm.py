"""A storm: faults of all kinds, at random times, for random durations. Same seed, same storm."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from random import Random

from .defects import Cure
from .emulator import Emulator
from .faults import Faults
from .j11.faults import J11Faults
from .j11.numbers import BUSY as _BUSY, NO_ACK as _NO_ACK
from .pace import Span

type _End = Callable[[], None]


class Kind(StrEnum):
    """Kinds of faults."""

    # Rates: a share of datagrams, lines or commands for a while.
    LOSE_REQUEST = "lose_request"
    LOSE_ANSWER = "lose_answer"
    DELAY_ANSWER = "delay_answer"
    DUPLICATE_ANSWER = "duplicate_answer"
    GARBLE = "garble"
    TRUNCATE = "truncate"
    SPLIT = "split"
    FAIL_SEND = "fail_send"
    OVERRUN = "overrun"
    REFUSE = "refuse"
    LOSE_COMMAND = "lose_command"
    MISREAD = "misread"
    # What happens to the session.
    END_SESSION = "end_session"
    TERMINATE = "terminate"
    TERMINATION_TIMEOUT = "termination_timeout"
    EXPIRY = "expiry"
    EXPIRY_RENEWAL_FAILS = "expiry_renewal_fails"
    EXPIRY_WITHOUT_RENEWAL = "expiry_without_renewal"
    REAUTHENTICATION = "reauthentication"
    FAILED_RENEWAL = "failed_renewal"
    # What happens on the air and to the meter.
    TRANSMIT_LIMIT = "transmit_limit"
    METER_REBOOT = "meter_reboot"
    METER_MOVES = "meter_moves"
    METER_LOST = "meter_lost"
    METER_SLOW = "meter_slow"
    METER_REFUSES = "meter_refuses"
    PROPERTY_SILENT = "property_silent"
    TRAP_NEARBY = "trap_nearby"
    # What happens to the dongle.
    DONGLE_RESET = "dongle_reset"
    DONGLE_MUTE = "dongle_mute"
    ALWAYS_OK = "always_ok"
    BABBLE = "babble"
    UNPLUGGED = "unplugged"
    UNANSWERED_UNTIL_RESET = "unanswered_until_reset"
    UNANSWERED_UNTIL_OPENED = "unanswered_until_opened"
    DEAF_UNTIL_OPENED = "deaf_until_opened"
    DEAF_AFTER_OPENING = "deaf_after_opening"
    # What only happens to J11 dongles.
    NOISE_BETWEEN = "noise_between"
    NOISE_INSIDE = "noise_inside"
    CHANNEL_BUSY = "channel_busy"
    MAC_LOST = "mac_lost"
    PANA_SILENT = "pana_silent"
    STARTS_IN_VAIN = "starts_in_vain"
    ANSWERED_BUSY = "answered_busy"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    TORN_FRAMES = "torn_frames"
    WATCHDOG = "watchdog"


#: Kinds for J11 dongles, and kinds for SKSTACK dongles.
ALL_J11 = tuple(Kind)
ALL = ALL_J11[: ALL_J11.index(Kind.NOISE_BETWEEN)]

#: Seconds of the running loop that a lasting fault lasts.
_A_WHILE: Span = (5.0, 1200.0)
#: Seconds at speed 1 that a board needs which is reset whenever its port is opened (BP35C2
#: manual, 10.4), and that a slow meter takes for a request (field reports).
_BOOT = 3.0
_SERVICE: Span = (5.0, 17.0)
#: Properties about which meters were found silent, and two that a reading needs.
_SILENT_ABOUT = (0xE1, 0xD3, 0x9F, 0x97, 0xE3, 0xE8)
#: Seconds at speed 1 that an episode takes which ends by itself.
_EPISODES = {
    Kind.EXPIRY: 5.0,
    Kind.EXPIRY_RENEWAL_FAILS: 42.0,
    Kind.REAUTHENTICATION: 5.0,
    Kind.DONGLE_RESET: 0.5,
    Kind.WATCHDOG: 0.5,
}
_MOMENTS = frozenset(
    (
        *(Kind.END_SESSION, Kind.TERMINATE, Kind.TERMINATION_TIMEOUT, Kind.FAILED_RENEWAL),
        *(Kind.EXPIRY_WITHOUT_RENEWAL, Kind.METER_MOVES, Kind.BABBLE, Kind.MAC_LOST),
    )
)
#: How many of the lines, datagrams or commands are affected.
_NOISE: Span = (0.02, 0.3)
_SHARE: Span = (0.1, 0.9)
_NOISY = (
    *(Kind.GARBLE, Kind.TRUNCATE, Kind.SPLIT, Kind.LOSE_COMMAND),
    *(Kind.NOISE_BETWEEN, Kind.NOISE_INSIDE),
)
_SHARES = {
    **dict.fromkeys(_NOISY, _NOISE),
    **dict.fromkeys(
        (
            *(Kind.LOSE_REQUEST, Kind.LOSE_ANSWER, Kind.DELAY_ANSWER, Kind.DUPLICATE_ANSWER),
            *(Kind.FAIL_SEND, Kind.OVERRUN, Kind.REFUSE, Kind.MISREAD, Kind.CHANNEL_BUSY),
        ),
        _SHARE,
    ),
}


@dataclass(slots=True)
class Incident:
    """One fault, with times of the running loop."""

    kind: Kind
    began: float
    ended: float | None = None
    """When this fault is over; None while it lasts."""


class Storm:
    """Injects faults, one at a time or overlapping, and ends them all."""

    def __init__(
        self,
        emulator: Emulator,
        seed: int,
        *,
        mean_gap: float,
        kinds: Sequence[Kind] | None = None,
        overlapping: bool = False,
    ) -> None:
        """Prepare. ``mean_gap``: seconds of the running loop between two faults, on average.

        One at a time, a gap begins when a fault is over; overlapping, when it begins. ``kinds``
        are by default all that this dongle can have.
        """
        self._emulator = emulator
        self._faults = emulator.faults
        self._speed = emulator.config.speed
        self._random = Random(f"storm/{seed}")
        self._mean_gap = mean_gap
        usual = ALL if emulator.config.j11 is None else ALL_J11
        self._kinds = tuple(usual if kinds is None else kinds)
        self._overlapping = overlapping
        self._active: dict[Kind, tuple[Incident, _End]] = {}
        self._timers: dict[Kind, asyncio.TimerHandle] = {}
        self.history: list[Incident] = []

    async def run(self, duration: float) -> None:
        """Run for ``duration`` seconds of the running loop; then, or if cancelled, end all faults."""
        loop = asyncio.get_running_loop()
        until = loop.time() + duration
        try:
            while (gap := self._random.expovariate(1 / self._mean_gap)) < until - loop.time():
                await asyncio.sleep(gap)
                kind = self._random.choice(self._kinds)
                lasts = self._duration(kind)
                if kind in self._active:
                    continue
                self._happen(kind)
                if self._overlapping:
                    self._timers[kind] = loop.call_later(lasts, self._end, kind, self.history[-1])
                else:
                    await asyncio.sleep(min(lasts, max(until - loop.time(), 0)))
                    self._end(kind, self.history[-1])
            await asyncio.sleep(max(until - loop.time(), 0))
        finally:
            for kind, (incident, _) in tuple(self._active.items()):
                self._end(kind, incident)

    def outages(self) -> list[tuple[float, float]]:
        """Return from when to when something was wrong; overlapping incidents are one."""
        merged: list[tuple[float, float]] = []
        for incident in self.history:
            if incident.ended is None:
                continue
            if merged and incident.began <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], incident.ended)
            else:
                merged.append((incident.began, incident.ended))
        return merged

    def _duration(self, kind: Kind) -> float:
        if kind in _MOMENTS:
            return 0.0
        if kind in _EPISODES:
            return _EPISODES[kind] / self._speed
        return self._random.uniform(*_A_WHILE)

    def _happen(self, kind: Kind) -> None:
        incident = Incident(kind, asyncio.get_running_loop().time())
        self.history.append(incident)
        self._active[kind] = incident, self._begin(kind)

    def _end(self, kind: Kind, incident: Incident) -> None:
        if incident.ended is None:
            if (timer := self._timers.pop(kind, None)) is not None:
                timer.cancel()
            _, end = self._active.pop(kind)
            end()
            incident.ended = asyncio.get_running_loop().time()

    def _begin(self, kind: Kind) -> _End:
        """Begin a fault and return what ends it."""
        if kind in _SHARES:
            share = self._random.uniform(*_SHARES[kind])
            return _raise_rate(self._faults, kind.value, share)
        if kind in _DRAWN:
            return _DRAWN[kind](self._faults, self._random)
        if kind in _LASTING:
            return _LASTING[kind](self._faults)
        if kind in _J11:
            return _J11[kind](self._emulator.j11_faults)
        _PASSING[kind](self._faults)
        return _nothing


def _nothing() -> None:
    pass


def _raise_rate(faults: Faults, name: str, rate: float) -> _End:
    before: float = getattr(faults.rates, name)
    faults.rates.set(**{name: rate})
    return lambda: faults.rates.set(**{name: before})


def _limit(faults: Faults) -> _End:
    faults.limit_transmission()
    return faults.release_transmission


def _reboot(faults: Faults) -> _End:
    faults.reboot_meter(_A_WHILE[1] * 2)
    return faults.boot_meter


def _lose(faults: Faults) -> _End:
    faults.lose_meter()
    return faults.return_meter


def _trap(faults: Faults) -> _End:
    pan = faults.add_trap()
    return lambda: faults.remove_neighbour(pan)


def _mute(faults: Faults) -> _End:
    faults.mute_dongle()
    return faults.unmute_dongle


def _say_ok(faults: Faults) -> _End:
    faults.always_ok = True

    def end() -> None:
        faults.always_ok = False

    return end


def _unplug(faults: Faults) -> _End:
    faults.unplug()
    return faults.replug


def _refuse_sign_ins(faults: Faults) -> _End:
    faults.refuse_sign_ins(on=True)
    return lambda: faults.refuse_sign_ins(on=False)


def _deafen_after_opening(faults: Faults) -> _End:
    faults.deafen_after_opening(_BOOT)
    return lambda: faults.deafen_after_opening(0.0)


def _unanswered(until: Cure, faults: Faults) -> _End:
    faults.leave_unanswered(until)
    return lambda: faults.leave_unanswered(until, on=False)


def _deafen(faults: Faults) -> _End:
    faults.deafen("open")
    return lambda: faults.deafen("open", on=False)


def _slow_down(faults: Faults, random: Random) -> _End:
    faults.slow_down(random.uniform(*_SERVICE))
    return lambda: faults.slow_down(0.0)


def _silence(faults: Faults, random: Random) -> _End:
    epc = random.choice(_SILENT_ABOUT)
    faults.silence(epc)
    return lambda: faults.unsilence(epc)


def _lose_mac(faults: J11Faults) -> _End:
    faults.lose_mac()
    return _nothing


def _silence_pana(faults: J11Faults) -> _End:
    faults.silence_pana(on=True)
    return lambda: faults.silence_pana(on=False)


def _start_in_vain(faults: J11Faults) -> _End:
    faults.start_in_vain(2)
    return faults.end_answers


def _answer_busy(faults: J11Faults) -> _End:
    faults.answer(_BUSY, times=3)
    return faults.end_answers


def _leave_unacknowledged(faults: J11Faults) -> _End:
    faults.transmit(_NO_ACK, times=2)
    return faults.end_answers


def _tear(faults: J11Faults) -> _End:
    faults.tear(times=3)
    return faults.end_tearing


def _reset_by_watchdog(faults: J11Faults) -> _End:
    faults.watchdog()
    return _nothing


_J11: dict[Kind, Callable[[J11Faults], _End]] = {
    Kind.MAC_LOST: _lose_mac,
    Kind.PANA_SILENT: _silence_pana,
    Kind.STARTS_IN_VAIN: _start_in_vain,
    Kind.ANSWERED_BUSY: _answer_busy,
    Kind.NOT_ACKNOWLEDGED: _leave_unacknowledged,
    Kind.TORN_FRAMES: _tear,
    Kind.WATCHDOG: _reset_by_watchdog,
}
_DRAWN: dict[Kind, Callable[[Faults, Random], _End]] = {
    Kind.METER_SLOW: _slow_down,
    Kind.PROPERTY_SILENT: _silence,
}
_LASTING: dict[Kind, Callable[[Faults], _End]] = {
    Kind.TRANSMIT_LIMIT: _limit,
    Kind.METER_REBOOT: _reboot,
    Kind.METER_LOST: _lose,
    Kind.TRAP_NEARBY: _trap,
    Kind.DONGLE_MUTE: _mute,
    Kind.ALWAYS_OK: _say_ok,
    Kind.UNPLUGGED: _unplug,
    Kind.METER_REFUSES: _refuse_sign_ins,
    Kind.UNANSWERED_UNTIL_RESET: partial(_unanswered, "reset"),
    Kind.UNANSWERED_UNTIL_OPENED: partial(_unanswered, "open"),
    Kind.DEAF_UNTIL_OPENED: _deafen,
    Kind.DEAF_AFTER_OPENING: _deafen_after_opening,
}
_PASSING: dict[Kind, Callable[[Faults], object]] = {
    Kind.END_SESSION: Faults.end_session,
    Kind.TERMINATE: Faults.terminate,
    Kind.TERMINATION_TIMEOUT: lambda faults: faults.terminate(28),
    Kind.EXPIRY: Faults.expire_session,
    Kind.EXPIRY_RENEWAL_FAILS: lambda faults: faults.expire_session("fails"),
    Kind.EXPIRY_WITHOUT_RENEWAL: lambda faults: faults.expire_session("none"),
    Kind.REAUTHENTICATION: Faults.reauthenticate,
    Kind.FAILED_RENEWAL: Faults.fail_renewal,
    Kind.METER_MOVES: Faults.move_meter,
    Kind.DONGLE_RESET: Faults.reset_dongle,
    Kind.BABBLE: lambda faults: faults.babble(300),
}
