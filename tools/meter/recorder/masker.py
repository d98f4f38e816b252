"""Replaces what is secret in the text of SKSTACK by placeholders of the same length."""

from functools import partial
import re

from custom_components.wisun_route_b.stack import Credentials

from .payloads import blank, blank_whole, is_echonet
from .placeholders import PLACEHOLDER_ID, PLACEHOLDER_PASSWORD, Placeholders, same_length
from .splitter import DATAGRAM

_REQUEST = re.compile(rb"SKSENDTO \S+ \S+ ([0-9A-F]{4}) [0-9A-F] (?:[0-9A-F] )?[0-9A-F]{4} ")
_HEX = re.compile(rb"(?:[0-9A-F]{2})+")

#: Sent, or echoed: everything behind it is secret.
_SETS_PASSWORD = re.compile(rb"SKSETPWD \S+ ")
_SETS_ROUTE_B_ID = re.compile(rb"SKSETRBID ")
_PAIR_ID = re.compile(rb"((?:PairID:|SKSREG S0?A ))([0-9A-Za-z]{8})")
_PAN_ID = re.compile(rb"((?:Pan ID:|SKSREG S0?3 |EINFO \S+ \S+ \S+ ))([0-9A-Fa-f]{4})\b")
#: An IPv6 address, a MAC address, or what noise has left of a secret. The longest run of
#: digits that is harmless is the channel mask of SKSCAN, eight.
_ADDRESS = re.compile(
    rb"\b(?P<ipv6>[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){7})\b"
    rb"|(?<![0-9A-Fa-f])(?P<mac>[0-9A-Fa-f]{16})(?![0-9A-Fa-f])"
    rb"|FE80(?::[0-9A-Fa-f]{0,4})+|[0-9A-Fa-f]{9,}"
)
_DIGIT = re.compile(rb"[0-9A-Fa-f]")


class Masker:
    """Masks one conversation: the same address gets the same placeholder in all lines."""

    def __init__(self, credentials: Credentials | None) -> None:
        """Take the credentials, to find them also in unexpected places."""
        self._placeholders = Placeholders(credentials)

    def __call__(self, line: bytes) -> bytes:
        """Return a line without its end as it may be shown."""
        if datagram := DATAGRAM.search(line):
            payload = self._payload(int(datagram[1], 16), line[datagram.end() :])
            line = self._text(line[: datagram.end()]) + payload
        elif request := _REQUEST.match(line):
            payload = self._placeholders.literally(
                blank(int(request[1], 16), line[request.end() :])
            )
            line = self._text(line[: request.end()]) + payload
        else:
            line = self._text(line)
        return self._placeholders.literally(line)

    def _payload(self, port: int, printed: bytes) -> bytes:
        """Mask a payload as it was printed: as raw bytes, or as hexadecimal digits."""
        if _HEX.fullmatch(printed):
            payload = bytes.fromhex(printed.decode())
            hide = blank_whole if is_echonet(payload) else partial(blank, port)
            return hide(payload).hex().upper().encode()
        # A datagram that broke off may include the lines behind it.
        return self._text(blank(port, printed))

    def _text(self, line: bytes) -> bytes:
        if found := _SETS_PASSWORD.search(line):
            return line[: found.end()] + same_length(PLACEHOLDER_PASSWORD, line[found.end() :])
        if found := _SETS_ROUTE_B_ID.search(line):
            return line[: found.end()] + same_length(PLACEHOLDER_ID, line[found.end() :])
        line = _PAIR_ID.sub(lambda found: found[1] + self._placeholders.pair_id(found[2]), line)
        line = _PAN_ID.sub(lambda found: found[1] + self._pan_id(found[2]), line)
        return _ADDRESS.sub(self._masked_address, line)

    # --- One placeholder for each ------------------------------------------------------------

    def _pan_id(self, pan_id: bytes) -> bytes:
        return b"%04X" % self._placeholders.pan(int(pan_id, 16))

    def _masked_address(self, found: re.Match[bytes]) -> bytes:
        if found["ipv6"]:
            return self._ipv6(found["ipv6"])
        if found["mac"]:
            return b"%016X" % self._placeholders.address(int(found["mac"], 16))
        return _DIGIT.sub(b"0", found[0])

    def _ipv6(self, ip: bytes) -> bytes:
        digits = b"%032X" % self._placeholders.ip(int(ip.replace(b":", b""), 16))
        return b":".join(digits[at : at + 4] for at in range(0, 32, 4))
