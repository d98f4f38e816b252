"""Faults of J11 dongles only, besides those of any dongle."""

from typing import Literal

from ..meter.echonet import CONTROLLER, ECHONET_PORT, METER, Frame, Service
from ..products import link_local
from ..radio_environment import RadioEnvironment
from .dongle import J11Dongle
from .numbers import MAC_LOST, PANA_LOST
from .one_shot_faults import OneShotFaults

_BYTES = range(0x100)
_WORDS = range(1, 0x10000)
_MOST_TIMES = 999
_LONGEST = 1361
#: Whose address a datagram has that is not of our meter.
_FOREIGNER = link_local("C0F9450040000001")
#: A power that no household has, in W: a host that reports it has accepted such a datagram.
_IMPOSSIBLE_POWER = 99_999

#: Why a careful host does not take a datagram: it came in plain text, from another address, or
#: from another PAN.
type Doubt = Literal["plain", "foreign", "other_pan"]


class J11Faults:
    """Orders for a J11 dongle. Nothing here waits."""

    def __init__(self, dongle: J11Dongle, air: RadioEnvironment) -> None:
        """Prepare; everything is healthy."""
        self._dongle = dongle
        self._air = air
        self._one_shot_faults: OneShotFaults = dongle.one_shot_faults

    # --- What commands are answered -------------------------------------------------------

    def answer(self, result: int, code: int | None = None, times: int = 1) -> None:
        """Give the next commands this result (with a code: that command), and execute none."""
        _check(result, _BYTES, "a result is one byte")
        self._one_shot_faults.results += [(code, result)] * _times(times)

    def transmit(self, result: int, times: int = 1) -> None:
        """Give the next datagrams this transmission result (05, 03, 08, 02), and lose them."""
        _check(result, _BYTES, "a transmission result is one byte")
        self._one_shot_faults.transmissions += [result] * _times(times)

    def start_in_vain(self, times: int = 1) -> None:
        """Let the next 0053 receive no beacon: result 0E."""
        self._one_shot_faults.starts_in_vain += _times(times)

    # --- The line -------------------------------------------------------------------------

    def tear(self, size: int = 25, times: int = 1) -> None:
        """Break the next frames off after so many bytes (25 as in j11 capture 33)."""
        _check(size, range(_LONGEST), "a frame breaks off after 0 to 1360 bytes")
        self._one_shot_faults.torn += [size] * _times(times)

    def make_noise(self, data: bytes) -> None:
        """Put bytes on the line."""
        self._dongle.emit(data)

    # --- The session ----------------------------------------------------------------------

    def lose_mac(self) -> None:
        """The place in the network is lost: 601A 03."""
        self._dongle.session.lose(MAC_LOST)

    def lose_pana(self) -> None:
        """The session is lost: 601A 04."""
        self._dongle.session.lose(PANA_LOST)

    def silence_pana(self, *, on: bool) -> None:
        """The meter answers no message of an authentication: 6028 03 after 8 to 12 minutes."""
        self._one_shot_faults.no_pana = on

    def deliver(self, doubt: Doubt) -> None:
        """Print a datagram with a power of 99999 W that a careful host does not take."""
        properties = ((0xE7, _IMPOSSIBLE_POWER.to_bytes(4)),)
        payload = Frame(0, METER, CONTROLLER, Service.INF, properties).encode()
        datagram = self._air.datagram(payload, port=ECHONET_PORT, secured=doubt != "plain")
        transceiver = self._dongle.transceiver
        transceiver.print_datagram(
            datagram,
            source=_FOREIGNER if doubt == "foreign" else datagram.source,
            pan_id=transceiver.pan_id ^ (doubt == "other_pan"),
        )

    def drop(self, reason: int) -> None:
        """A packet of the meter is received and dropped: 6038."""
        _check(reason, _BYTES, "a reason is one byte")
        datagram = self._air.datagram(b"\x10\x81\0\0\0", port=ECHONET_PORT, secured=True)
        self._dongle.transceiver.drop(reason, datagram)

    # --- The dongle -----------------------------------------------------------------------

    def watchdog(self) -> None:
        """The dongle resets by itself, even if it hangs: 6019."""
        self._dongle.muted = False
        self._dongle.restart()

    def use_han(self, *, on: bool) -> None:
        """The HAN side of the dongle is in use."""
        self._dongle.module.han = on

    def change_firmware(self, firmware: int) -> None:
        """The firmware reports another type than 0400, HAN and Route B."""
        _check(firmware, _WORDS, "a firmware has two bytes")
        self._one_shot_faults.foreign_firmware = firmware

    # --- What ends before its time --------------------------------------------------------

    def end_answers(self) -> None:
        """Answer commands as usual again."""
        self._one_shot_faults.results.clear()
        self._one_shot_faults.transmissions.clear()
        self._one_shot_faults.starts_in_vain = 0

    def end_tearing(self) -> None:
        """Print whole frames again."""
        self._one_shot_faults.torn.clear()


def _check(value: int, allowed: range, reason: str) -> None:
    if value not in allowed:
        raise ValueError(reason)


def _times(times: int) -> int:
    _check(times, range(1, _MOST_TIMES + 1), "it happens 1 to 999 times")
    return times
