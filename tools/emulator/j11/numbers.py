"""Result bytes, and the codes of requests and notifications (V12 p36-39, p175-189)."""

from typing import Final

OK: Final = 0x01
UNKNOWN_COMMAND: Final = 0x03
BAD_VALUE: Final = 0x04
BAD_DESTINATION: Final = 0x06
PORT_OPEN: Final = 0x0A
PORT_NOT_OPEN: Final = 0x0B
JOIN_FAILED: Final = 0x0E
HAN_OPERATING: Final = 0x0F
IDLE: Final = 0x10
BAD_LENGTH: Final = 0x11
NO_PORT_LEFT: Final = 0x12
GAP: Final = 0x13
WRONG_MODE: Final = 0x14
OPERATING: Final = 0x34
AUTHENTICATED: Final = 0x35
NOT_STARTED: Final = 0x37
PING_RUNNING: Final = 0x3C
BUSY: Final = 0x3D
NO_CREDENTIALS: Final = 0x51
PANA_RUNNING: Final = 0x52
HEADER_SUM: Final = 0xF0
DATA_SUM: Final = 0xF1
TOO_SHORT: Final = 0xF2
TOO_LONG: Final = 0xF3

#: 0, PANA, MLE and firmware updates: no host can open them (V12 p54).
SYSTEM_PORTS: Final = (0, 716, 19788, 31941)

#: Codes of responses that cannot name their request.
DAMAGED, UNHEARD_OF = 0x2FFF, 0xFFFF

TRANSMIT: Final = 0x0008
SCAN: Final = 0x0051
START: Final = 0x0053
START_PANA: Final = 0x0056
SET_UP: Final = 0x005F
RESET: Final = 0x00D9

SCAN_RESULT: Final = 0x4051
DATA: Final = 0x6018
STARTED: Final = 0x6019
CHANGED: Final = 0x601A
PANA: Final = 0x6028
DROPPED: Final = 0x6038
PONG: Final = 0x60D1

#: Transmission results (V12 p57).
SENT, LIMITED, CHANNEL_BUSY, NO_ACK = 0x00, 0x02, 0x03, 0x05
#: Results of an authentication (V12 p71).
SUCCEEDED, REFUSED, UNANSWERED = 0x01, 0x02, 0x03
#: Changes of a connection (V12 p70).
MAC_LOST, PANA_LOST = 0x03, 0x04
#: Why a packet was dropped (V12 p72): decryption failed, UDP port not open.
UNDECIPHERED, NO_PORT = 0x01, 0x40


class RefusedError(Exception):
    """The command is answered with this result and nothing else."""

    def __init__(self, result: int) -> None:
        super().__init__(f"result {result:02X}")
        self.result = result
