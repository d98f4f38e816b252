"""What the numbers of J11 mean, and what is to be done about them.

Sources: V12 pages 123 and 124, 175 to 189 (results), 57 (transmission), 70 to 72
(notifications). A number that is not listed here reaches the link as a plain int: firmware may
know more than its manual. The reactions are derived from the explanations there.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum, auto
from types import MappingProxyType
from typing import Final


class Reaction(Enum):
    """What a caller can do about a result."""

    #: Nothing: it is done, or was so already.
    NONE = auto()
    #: Send the same command again after a moment.
    RETRY = auto()
    #: The dongle is in another state than expected: ask for it (0001), or reset.
    RESYNCHRONIZE = auto()
    #: Set the credentials (0054), then send the command again.
    SET_CREDENTIALS = auto()
    #: The transmission time of the hour is used up: wait for minutes.
    WAIT = auto()
    #: Report it: sending the command again will not help.
    FAIL = auto()


class ResultCode(IntEnum):
    """The first byte of every response."""

    SUCCESS = 0x01
    UNKNOWN_ADDRESS = 0x02  #: not in the list of devices: not joined
    UNKNOWN_COMMAND = 0x03
    BAD_VALUE = 0x04
    BAD_DESTINATION = 0x06  #: like 02, for transmissions
    PORT_ALREADY_OPEN = 0x0A
    PORT_NOT_OPEN = 0x0B
    CALIBRATION_UNREADABLE = 0x0C  #: the dongle is defective
    MAC_JOIN_FAILED = 0x0E  #: no beacon: wrong channel, wrong ID, or interference
    HAN_OPERATING = 0x0F
    IDLE_OR_WRONG_MODE = 0x10
    BAD_LENGTH = 0x11
    NO_PORT_LEFT = 0x12
    REQUEST_INCOMPLETE = 0x13  #: a gap of a second inside the request
    WRONG_MODE = 0x14
    HAN_ACCEPTS_20 = 0x20
    HAN_ACCEPTS_21 = 0x21
    HAN_AUTHENTICATED = 0x33
    OPERATING = 0x34
    AUTHENTICATED = 0x35
    NOT_STARTED = 0x37  #: no initial set-up (005F) since the last start
    PING_RUNNING = 0x3C
    BUSY = 0x3D  #: an earlier command is still running
    PAN_ID_TAKEN = 0x3E
    DEEP_SLEEP_REFUSED = 0x3F
    POLL_FAILED = 0x46
    NO_CREDENTIALS = 0x51
    PANA_RUNNING = 0x52
    NO_DATA = 0x53
    CREDENTIALS_ALREADY_SET = 0x58
    TOO_MANY = 0x59
    UPDATING = 0x61
    HEADER_DAMAGED = 0xF0
    DATA_DAMAGED = 0xF1
    TOO_SHORT = 0xF2  #: length field below 4
    TOO_LONG = 0xF3  #: length field above 1353

    @property
    def reaction(self) -> Reaction:
        """What to do about it."""
        return reaction(self)


#: What Route B is refused with while the HAN side is in use (V12 p178-184).
HAN_IN_USE: Final = frozenset(
    (
        ResultCode.HAN_OPERATING,
        ResultCode.HAN_AUTHENTICATED,
        ResultCode.HAN_ACCEPTS_20,
        ResultCode.HAN_ACCEPTS_21,
    )
)


class TransmitStatus(IntEnum):
    """The low digit of a transmission result: the result for the datagram (V12 p57)."""

    SENT = 0x0  #: and acknowledged
    HOURLY_LIMIT = 0x2
    CHANNEL_BUSY = 0x3
    NOT_ACKNOWLEDGED = 0x5
    OTHER = 0x8
    QUEUED_ONLY = 0xF

    @property
    def reaction(self) -> Reaction:
        """What to do about it."""
        return transmit_reaction(self)


class PanaOutcome(IntEnum):
    """The first byte of notification 6028 (V12 p71)."""

    AUTHENTICATED = 0x01
    REFUSED = 0x02
    UNANSWERED = 0x03


class ConnectionChange(IntEnum):
    """The first byte of notification 601A (V12 p70)."""

    MAC_JOINED = 0x01
    AUTHENTICATED = 0x02
    MAC_LOST = 0x03
    AUTHENTICATION_LOST = 0x04


class ReceptionFault(IntEnum):
    """The first byte of notification 6038: which layer refused a packet (V12 p72)."""

    DECRYPTION = 0x01
    MAC = 0x02
    LOWPAN = 0x20
    IP = 0x30
    UDP = 0x40  #: a datagram to a port that is not open


_REACTIONS: Final[Mapping[ResultCode, Reaction]] = MappingProxyType(
    {
        ResultCode.SUCCESS: Reaction.NONE,
        ResultCode.UNKNOWN_ADDRESS: Reaction.RESYNCHRONIZE,
        ResultCode.UNKNOWN_COMMAND: Reaction.FAIL,
        ResultCode.BAD_VALUE: Reaction.FAIL,
        ResultCode.BAD_DESTINATION: Reaction.RESYNCHRONIZE,
        ResultCode.PORT_ALREADY_OPEN: Reaction.NONE,
        ResultCode.PORT_NOT_OPEN: Reaction.NONE,
        ResultCode.CALIBRATION_UNREADABLE: Reaction.FAIL,
        ResultCode.MAC_JOIN_FAILED: Reaction.RETRY,
        ResultCode.HAN_OPERATING: Reaction.RESYNCHRONIZE,
        ResultCode.IDLE_OR_WRONG_MODE: Reaction.RESYNCHRONIZE,
        ResultCode.BAD_LENGTH: Reaction.FAIL,
        ResultCode.NO_PORT_LEFT: Reaction.RESYNCHRONIZE,
        ResultCode.REQUEST_INCOMPLETE: Reaction.RETRY,
        ResultCode.WRONG_MODE: Reaction.FAIL,
        ResultCode.HAN_ACCEPTS_20: Reaction.RESYNCHRONIZE,
        ResultCode.HAN_ACCEPTS_21: Reaction.RESYNCHRONIZE,
        ResultCode.HAN_AUTHENTICATED: Reaction.RESYNCHRONIZE,
        ResultCode.OPERATING: Reaction.RESYNCHRONIZE,
        ResultCode.AUTHENTICATED: Reaction.RESYNCHRONIZE,
        ResultCode.NOT_STARTED: Reaction.RESYNCHRONIZE,
        ResultCode.PING_RUNNING: Reaction.RETRY,
        ResultCode.BUSY: Reaction.RETRY,
        ResultCode.PAN_ID_TAKEN: Reaction.FAIL,
        ResultCode.DEEP_SLEEP_REFUSED: Reaction.FAIL,
        ResultCode.POLL_FAILED: Reaction.FAIL,
        ResultCode.NO_CREDENTIALS: Reaction.SET_CREDENTIALS,
        ResultCode.PANA_RUNNING: Reaction.RESYNCHRONIZE,
        ResultCode.NO_DATA: Reaction.FAIL,
        ResultCode.CREDENTIALS_ALREADY_SET: Reaction.NONE,
        ResultCode.TOO_MANY: Reaction.FAIL,
        ResultCode.UPDATING: Reaction.FAIL,
        ResultCode.HEADER_DAMAGED: Reaction.RETRY,
        ResultCode.DATA_DAMAGED: Reaction.RETRY,
        ResultCode.TOO_SHORT: Reaction.FAIL,
        ResultCode.TOO_LONG: Reaction.FAIL,
    }
)
_TRANSMIT_REACTIONS: Final[Mapping[TransmitStatus, Reaction]] = MappingProxyType(
    {
        TransmitStatus.SENT: Reaction.NONE,
        TransmitStatus.HOURLY_LIMIT: Reaction.WAIT,
        TransmitStatus.CHANNEL_BUSY: Reaction.RETRY,
        TransmitStatus.NOT_ACKNOWLEDGED: Reaction.RETRY,
        TransmitStatus.OTHER: Reaction.RETRY,
        TransmitStatus.QUEUED_ONLY: Reaction.NONE,
    }
)


def reaction(result: ResultCode | int) -> Reaction:
    """Return what to do about a result; one that no manual lists is reported."""
    return _REACTIONS[ResultCode(result)] if result in ResultCode else Reaction.FAIL


def transmit_reaction(status: TransmitStatus | int) -> Reaction:
    """Return what to do about a transmission; an unlisted digit is taken for 8, "other"."""
    known = TransmitStatus(status) if status in TransmitStatus else TransmitStatus.OTHER
    return _TRANSMIT_REACTIONS[known]
