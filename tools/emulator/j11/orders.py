"""The orders of the control socket for J11 dongles only."""

from collections.abc import Mapping

from ..control import Order, is_on
from .faults import Doubt, J11Faults


def orders(faults: J11Faults) -> Mapping[str, Order]:
    """Return the table: arguments are words, numbers of the protocol are hexadecimal."""
    return {
        "answer": lambda result, code=None, times="1": faults.answer(
            int(result, 16), None if code in (None, "any") else int(code, 16), int(times)
        ),
        "transmit": lambda result, times="1": faults.transmit(int(result, 16), int(times)),
        "tear": lambda size="25", times="1": faults.tear(int(size), int(times)),
        "start_in_vain": lambda times="1": faults.start_in_vain(int(times)),
        "lose_mac": faults.lose_mac,
        "lose_pana": faults.lose_pana,
        "silence_pana": lambda choice="on": faults.silence_pana(on=is_on(choice)),
        "watchdog": faults.watchdog,
        "use_han": lambda choice="on": faults.use_han(on=is_on(choice)),
        "firmware": lambda firmware: faults.change_firmware(int(firmware, 16)),
        "noise": lambda data: faults.make_noise(bytes.fromhex(data)),
        "deliver": lambda doubt: faults.deliver(_doubt(doubt)),
        "drop": lambda reason="01": faults.drop(int(reason, 16)),
    }


def _doubt(word: str) -> Doubt:
    match word:
        case "plain" | "foreign" | "other_pan":
            return word
        case _:
            raise ValueError("a datagram is plain, foreign or other_pan")
