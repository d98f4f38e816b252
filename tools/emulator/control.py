"""Commands of the control socket: one line causes one fault.

It is for programs that run beside the emulator and cannot call it.
"""

from collections.abc import Callable, Mapping
import json
from typing import get_args

from .defects import Cure
from .faults import Faults
from .radio_environment import CHANNELS, RadioEnvironment
from .renewal import Renewal

#: Takes words, raises ValueError for invalid ones.
type Order = Callable[..., object]

#: Longest reboot of a meter, in seconds.
_A_DAY = 86_400.0


class Control:
    """Executes lines."""

    def __init__(
        self, faults: Faults, air: RadioEnvironment, more: Mapping[str, Order] | None = None
    ) -> None:
        """Prepare the table: names are those of the methods, arguments are words.

        ``more`` are the orders that only a dongle of this protocol knows.
        """
        self._faults = faults
        self._air = air
        self._orders: dict[str, Order] = {
            "end_session": faults.end_session,
            "terminate": self._terminate,
            "expire_session": self._expire_session,
            "reauthenticate": faults.reauthenticate,
            "fail_renewal": faults.fail_renewal,
            "limit_transmission": faults.limit_transmission,
            "release_transmission": faults.release_transmission,
            "reboot_meter": self._reboot_meter,
            "boot_meter": faults.boot_meter,
            "move_meter": self._move_meter,
            "deafen_meter": lambda duration: faults.deafen_meter(int(duration)),
            "lose_meter": faults.lose_meter,
            "return_meter": faults.return_meter,
            "reset_dongle": faults.reset_dongle,
            "mute_dongle": faults.mute_dongle,
            "unmute_dongle": faults.unmute_dongle,
            "always_ok": self._always_ok,
            "babble": self._babble,
            "unplug": faults.unplug,
            "replug": faults.replug,
            "add_neighbour": self._add_neighbour,
            "leave_unanswered": lambda until: faults.leave_unanswered(_cure(until)),
            "deafen": lambda until: faults.deafen(_cure(until)),
            "deafen_after_opening": lambda seconds: faults.deafen_after_opening(float(seconds)),
            "silence": lambda *epcs: faults.silence(*map(_epc, epcs)),
            "unsilence": lambda *epcs: faults.unsilence(*map(_epc, epcs)),
            "slow_down": lambda seconds: faults.slow_down(float(seconds)),
            "refuse_sign_ins": lambda choice="on": faults.refuse_sign_ins(on=is_on(choice)),
            "repair": faults.repair,
            "heal": faults.heal,
            "rates": self._rates,
            "traffic": self._traffic,
            **(more or {}),
        }

    def answer(self, line: str) -> str:
        """Execute a line; return "ok", what was asked for, or "error: " and the reason."""
        name, *words = line.split() or [""]
        order = self._orders.get(name)
        if order is None:
            return f"error: the orders are {', '.join(self._orders)}"
        try:
            result = order(*words)
        except TypeError:
            return f"error: {name} takes other arguments"
        except (ValueError, OSError) as err:
            return f"error: {err}"
        return result if isinstance(result, str) else "ok"

    def _terminate(self, event: str = "27") -> None:
        match event:
            case "27":
                self._faults.terminate(27)
            case "28":
                self._faults.terminate(28)
            case _:
                raise ValueError("the session ends with 27 or 28")

    def _expire_session(self, renewal: str = "module") -> None:
        kinds: dict[str, Renewal] = {kind: kind for kind in get_args(Renewal.__value__)}
        if renewal not in kinds:
            raise ValueError(f"the renewal is one of {', '.join(kinds)}")
        self._faults.expire_session(kinds[renewal])

    def _reboot_meter(self, seconds: str = "60") -> None:
        duration = float(seconds)
        if not 0 <= duration <= _A_DAY:
            raise ValueError("a reboot takes 0 to 86400 seconds")
        self._faults.reboot_meter(duration)

    def _move_meter(self, channel: str | None = None, pan_id: str | None = None) -> None:
        number = None if channel is None else int(channel, 16)
        pan = None if pan_id is None else int(pan_id, 16)
        if number is not None and number not in CHANNELS:
            raise ValueError("the channels are 21 to 3C, in hexadecimal")
        if pan is not None and not 0 <= pan <= 0xFFFF:  # noqa: PLR2004 - 16 bits
            raise ValueError("a PAN ID has four hexadecimal digits")
        _ = self._faults.move_meter(number, pan)

    def _always_ok(self, choice: str = "on") -> None:
        self._faults.always_ok = is_on(choice)

    def _babble(self, lines: str = "1000") -> None:
        self._faults.babble(int(lines))

    def _add_neighbour(self, pair_id: str | None = None, lqi: str | None = None) -> None:
        if pair_id == "ours":
            pair_id = self._air.pan.pair_id
        _ = self._faults.add_neighbour(pair_id, None if lqi is None else int(lqi) & 0xFF)

    def _rates(self, *words: str) -> None:
        """Change the named rates; without any, clear all."""
        rates = {name: float(rate) for name, _, rate in (word.partition("=") for word in words)}
        if rates:
            self._faults.rates.set(**rates)
        else:
            self._faults.rates.clear()

    def _traffic(self, *words: str) -> str | None:
        if words == ("reset",):
            self._air.traffic.reset()
            return None
        if words:
            raise ValueError("it is traffic, or traffic reset")
        return json.dumps(self._air.traffic.as_dict())


def is_on(choice: str) -> bool:
    """Return whether a word says "on"; ValueError if it says neither that nor "off"."""
    if choice not in ("on", "off"):
        raise ValueError("it is on or off")
    return choice == "on"


def _cure(word: str) -> Cure:
    match word:
        case "reset" | "open":
            return word
        case _:
            raise ValueError("it lasts until reset or until open")


def _epc(word: str) -> int:
    epc = int(word, 16)
    if not 0x80 <= epc <= 0xFF:  # noqa: PLR2004 - ECHONET Lite, part 2, 3.2.7
        raise ValueError("a property is a hexadecimal number from 80 to FF")
    return epc
