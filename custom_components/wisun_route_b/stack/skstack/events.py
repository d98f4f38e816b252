"""What the numbers of SKSTACK mean: EVENT, its result, FAIL, and the link quality.

Sources: BP35A1 command reference 1.3.2, 4.8 and chapter 7 ("A1"); BP35C0/BP35C2 command
reference 1.0.0, chapter 8 and pages 65-66 ("C2"). A number that is not listed here reaches
the link as a plain int: firmware may know more than its manual.
"""

from enum import IntEnum


class EventNumber(IntEnum):
    """The number of an ``EVENT`` line, hexadecimal on the wire."""

    NEIGHBOR_SOLICITATION = 0x01
    NEIGHBOR_ADVERTISEMENT = 0x02
    ECHO_REQUEST = 0x05
    #: An energy scan has ended; EEDSCAN follows.
    ENERGY_SCAN_FINISHED = 0x1F
    #: A PAN was found; EPANDESC follows.
    BEACON = 0x20
    #: A datagram was sent, or not: the parameter is a :class:`SendResult`.
    UDP_SENT = 0x21
    #: An active scan has ended, whether or not it found anything.
    SCAN_FINISHED = 0x22
    PANA_FAILED = 0x24
    #: Signed in; during operation: signed in again automatically.
    PANA_CONNECTED = 0x25
    TERMINATION_REQUESTED = 0x26
    TERMINATED = 0x27
    #: The peer did not confirm the end of the session, which is over all the same.
    TERMINATION_TIMED_OUT = 0x28
    SESSION_EXPIRED = 0x29
    #: Sleeping devices on the HAN side of dual firmware.
    SLEEPING_DEVICE_2B = 0x2B
    SLEEPING_DEVICE_2C = 0x2C
    #: The hourly transmission time of ARIB STD-T108 is used up, and is available again.
    TRANSMIT_LIMIT_ON = 0x32
    TRANSMIT_LIMIT_OFF = 0x33
    #: Key management on the HAN side of dual firmware; 45 has a key index as its parameter.
    HAN_KEY_45 = 0x45
    HAN_KEY_46 = 0x46
    HAN_KEY_50 = 0x50
    HAN_KEY_51 = 0x51
    HAN_KEY_52 = 0x52
    HAN_KEY_53 = 0x53
    HAN_KEY_54 = 0x54
    HAN_KEY_55 = 0x55
    HAN_KEY_56 = 0x56
    HAN_KEY_57 = 0x57
    #: The dongle woke up from SKDSLEEP; the only event without an address.
    WOKE_UP = 0xC0


class SendResult(IntEnum):
    """The parameter of ``EVENT 21``."""

    SENT = 0x00
    #: Channel busy, no acknowledgement, transmission limit, or no session.
    FAILED = 0x01
    #: The address is being resolved; the dongle sends again and reports once more.
    RESOLVING_ADDRESS = 0x02


class FailCode(IntEnum):
    """The number behind ``FAIL ER``, decimal."""

    ER01 = 1  #: reserved
    ER02 = 2  #: reserved
    ER03 = 3  #: reserved
    ER04 = 4  #: unknown command
    ER05 = 5  #: wrong number of arguments
    ER06 = 6  #: argument malformed or out of range
    ER07 = 7  #: reserved
    ER08 = 8  #: reserved
    ER09 = 9  #: input error on the serial line
    ER10 = 10  #: accepted, but it failed


def rssi_dbm(lqi: int) -> float:
    """Return the signal strength in dBm that a link quality of 0 to 0xFF stands for.

    The formula is a figure of A1 and was confirmed in the field; below about -95 dBm a
    link does not hold.
    """
    return 0.275 * lqi - 104.27
