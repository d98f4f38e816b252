"""The command codes of J11. Source: V12 pages 36 to 39 (see :mod:`.frames`).

A response carries the code of its request with bit 13 set. What only the HAN side, deep sleep
and firmware updates use is not listed: it reaches the caller as an unknown message.
"""

from enum import IntEnum


class CommandCode(IntEnum):
    """Requests of the host.

    00F0 (firmware rewrite) does not exist here on purpose, and 0059 (encryption key) neither.
    """

    STATUS = 0x0001
    OPEN_PORT = 0x0005
    CLOSE_PORT = 0x0006
    OPEN_PORTS = 0x0007
    TRANSMIT = 0x0008
    OWN_IP = 0x0009
    OWN_MAC = 0x000E
    CONNECTIONS = 0x0011
    SCAN = 0x0051
    START = 0x0053
    SET_CREDENTIALS = 0x0054
    START_PANA = 0x0056
    END_PANA = 0x0057
    END = 0x0058
    PAN_ID = 0x005E
    SET_UP = 0x005F
    VERSION = 0x006B
    PING = 0x00D1
    REAUTHENTICATE = 0x00D2
    RESET = 0x00D9
    ENERGY_SCAN = 0x00DB
    TERMINALS = 0x0100
    SET_NEIGHBOR_SOLICITATION = 0x0101
    NEIGHBOR_SOLICITATION = 0x0102
    SETTINGS = 0x0107
    SET_FLOW_CONTROL = 0x010A
    FLOW_CONTROL = 0x010B


class NotificationCode(IntEnum):
    """What a dongle sends by itself."""

    SCAN_RESULT = 0x4051
    DATAGRAM = 0x6018
    STARTED_UP = 0x6019
    CONNECTION_CHANGED = 0x601A
    PANA_RESULT = 0x6028
    RECEPTION_FAILED = 0x6038
    PING_RESULT = 0x60D1


#: Set in the code of a response (V12 p36).
RESPONSE_BIT = 0x2000
#: Responses that do not name their request: its code is unknown, or its header was damaged.
UNKNOWN_COMMAND = 0xFFFF
DAMAGED_HEADER = 0x2FFF
