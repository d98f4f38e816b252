"""More bytes than a serial line can carry: a broken server, or another protocol."""

import asyncio

#: Bytes that may come at once: what a bridge in the network has kept during a pause of six seconds in
#: which the line was never silent. A dongle sends some kB in a minute.
_BURST_BYTES = 65_536
#: Bytes that may come as the answer to one write, whatever the rate: software dongles are faster. The
#: longest datagram in hexadecimal has 2600, and some lines stand around it.
_ANSWER_BYTES = 4096


class FloodGuard:
    """Compares the bytes received with what a line can carry."""

    def __init__(self, baud_rate: int) -> None:
        """Take the rate of the line in bits per second; a byte has ten."""
        self._rate = baud_rate / 10
        self._allowance = float(_BURST_BYTES)
        """Bytes that may come now."""
        self._allowed_at = 0.0

    def expect_answer(self) -> None:
        """Note that something was written."""
        self._allowance = min(_BURST_BYTES, self._allowance + _ANSWER_BYTES)

    def is_flood(self, size: int) -> bool:
        """Count bytes that have come; return whether no dongle can have sent so much."""
        now = asyncio.get_running_loop().time()
        earned = self._rate * (now - self._allowed_at)
        self._allowance = min(_BURST_BYTES, self._allowance + earned) - size
        self._allowed_at = now
        return self._allowance < 0
