"""The header of ERXUDP, the one line of SKSTACK that may go on in binary.

    ERXUDP <src> <dst> <rport> <lport> <mac> [<rssi>] <secured> [<side>] <length> <payload>

Single-stack firmware prints 9 tokens, dual 10, dual with register SA2=1 11, Skyley's HAN
edition 10 of another kind. Every token has its own width, so one expression reads them all
so the firmware need not be known. The length counts payload bytes, also
where these are printed as twice as many hexadecimal digits.
"""

from binascii import Error as HexError, a2b_hex
from collections.abc import Iterator
from dataclasses import dataclass, field
import re
from typing import Self

from ..route_b import MAX_PAYLOAD
from ._tokens import BYTE, DIGIT, IPV6, MAC, WORD, number, upper
from .messages import Datagram

_HEADER = re.compile(
    rb"ERXUDP (?P<source>%b) (?P<destination>%b) (?P<remote_port>%b) (?P<local_port>%b)"
    rb" (?P<address>%b)(?: (?P<rssi>%b))? (?P<secured>[01])(?: (?P<side>%b))? (?P<length>%b) "
    % (IPV6, IPV6, WORD, WORD, MAC, BYTE, DIGIT, WORD)
)


@dataclass(frozen=True, slots=True)
class Header:
    """A header found inside a line."""

    tokens: re.Match[bytes] = field(repr=False)
    size: int
    """How many payload bytes it promises, 0 to 0x4D0."""

    @classmethod
    def find_all(cls, line: bytes) -> Iterator[Self]:
        """Yield the headers of a line that promise a possible length, from left to right.

        There is more than one where a datagram broke off and the next one glued to it.
        """
        for tokens in _HEADER.finditer(line):
            size = number(tokens["length"])
            if size <= MAX_PAYLOAD:
                yield cls(tokens, size)

    @property
    def start(self) -> int:
        """Where in the line the header begins."""
        return self.tokens.start()

    @property
    def end(self) -> int:
        """Where in the line the payload begins."""
        return self.tokens.end()

    def unhex(self, text: bytes) -> bytes | None:
        """Return the promised payload if ``text`` is exactly that in hexadecimal digits."""
        if len(text) != 2 * self.size:
            return None
        try:
            return a2b_hex(text)
        except HexError:
            return None

    def datagram(self, payload: bytes) -> Datagram:
        """Return the message of this header and its payload."""
        tokens = self.tokens
        rssi, side = tokens["rssi"], tokens["side"]
        return Datagram(
            source=upper(tokens["source"]),
            destination=upper(tokens["destination"]),
            remote_port=number(tokens["remote_port"]),
            local_port=number(tokens["local_port"]),
            address=upper(tokens["address"]),
            rssi=None if rssi is None else number(rssi),
            secured=tokens["secured"] == b"1",
            payload=payload,
            side=None if side is None else number(side),
        )
