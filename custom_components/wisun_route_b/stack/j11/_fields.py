"""The fields of a frame's data, taken from left to right."""

from ..errors import DecodeError
from .addresses import IP_SIZE, MAC_SIZE, ip_text, mac_text

#: What a dongle measures, in dBm (V12 p60); the byte is signed.
_RSSI = range(-104, -33)
#: The channels of Route B: 922.5 + 0.4 * (n - 4) MHz (V12 p28).
CHANNELS = range(4, 18)
#: Most bytes of payload that a frame shows of a datagram (V12 p57, p72).
_MAX_HEAD = 5


class Fields:
    """Takes fields; raises DecodeError where the data are too short, too long or impossible."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Take that many bytes."""
        end = self._at + size
        if end > len(self._data):
            raise DecodeError("The data are too short")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def rest(self) -> bytes:
        """Take what is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._at < len(self._data):
            raise DecodeError("The data are too long")

    def number(self, size: int = 1) -> int:
        """Take an unsigned integer, by default of one byte."""
        return int.from_bytes(self.take(size))

    def flag(self) -> bool:
        """Take a byte that is 0 or 1."""
        value = self.number()
        if value not in (0, 1):
            raise DecodeError("A flag is neither 0 nor 1")
        return value == 1

    def count(self, most: int) -> range:
        """Take how many entries follow."""
        count = self.number()
        if count > most:
            raise DecodeError("There are more entries than there can be")
        return range(count)

    def channel(self) -> int:
        """Take a channel of Route B."""
        channel = self.number()
        if channel not in CHANNELS:
            raise DecodeError("There is no such channel")
        return channel

    def rssi(self) -> int | None:
        """Take a signal strength in dBm; None for one that no dongle measures."""
        rssi = int.from_bytes(self.take(1), signed=True)
        return rssi if rssi in _RSSI else None

    def mac(self) -> str:
        """Take a MAC address."""
        return mac_text(self.take(MAC_SIZE))

    def ip(self) -> str:
        """Take an IPv6 address."""
        return ip_text(self.take(IP_SIZE))

    def head(self) -> bytes:
        """Take the first bytes of a payload, which are all that is left."""
        head = self.rest()
        if len(head) > _MAX_HEAD:
            raise DecodeError("The data are too long")
        return head
