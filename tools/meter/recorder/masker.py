"""Replaces what is secret by placeholders of the same length, always the same for the same."""

import re

from custom_components.wisun_route_b.stack import Credentials

from .payloads import blank
from .splitter import DATAGRAM

#: The placeholders of the captures in tests/fixtures/transcripts.
PLACEHOLDER_ID = "00112233445566778899AABBCCDDEEFF"
PLACEHOLDER_PASSWORD = "0123456789AB"  # noqa: S105 - made up

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

_NOBODY = 0xFFFF
#: The universal/local bit, in which a MAC address and its interface identifier differ.
_LOCAL_BIT = 1 << 57
_MULTICAST = b"FF0"


class Masker:
    """Masks one conversation: two lines about one address will be about one placeholder."""

    def __init__(self, credentials: Credentials | None) -> None:
        """Know the credentials, to find them also in unexpected places."""
        self._addresses: dict[int, int] = {}
        self._pan_ids: dict[int, int] = {_NOBODY: _NOBODY}
        self._pair_ids: dict[bytes, bytes] = {}
        self._literals: list[tuple[re.Pattern[bytes], bytes]] = []
        if credentials is not None:
            own = PLACEHOLDER_ID[-8:].encode()
            self._pair_ids[credentials.pair_id.encode()] = own
            self._know(credentials.route_b_id, PLACEHOLDER_ID)
            self._know(credentials.password, PLACEHOLDER_PASSWORD)
            self._literals.append(
                (
                    re.compile(re.escape(bytes.fromhex(credentials.route_b_id))),
                    bytes.fromhex(PLACEHOLDER_ID),
                )
            )

    def _know(self, secret: str, placeholder: str) -> None:
        for form in (str.encode, _hex):
            pattern = re.compile(re.escape(form(secret)), re.IGNORECASE)
            self._literals.append((pattern, form(placeholder)))

    def __call__(self, line: bytes) -> bytes:
        """Return a line without its end as it may be shown."""
        if datagram := DATAGRAM.search(line):
            payload = self._payload(int(datagram[1], 16), line[datagram.end() :])
            line = self._text(line[: datagram.end()]) + payload
        elif request := _REQUEST.match(line):
            payload = self._literally(blank(int(request[1], 16), line[request.end() :]))
            line = self._text(line[: request.end()]) + payload
        else:
            line = self._text(line)
        return self._literally(line)

    def _payload(self, port: int, printed: bytes) -> bytes:
        """Mask a payload as it was printed: as raw bytes, or as hexadecimal digits."""
        if _HEX.fullmatch(printed):
            return blank(port, bytes.fromhex(printed.decode())).hex().upper().encode()
        # A datagram that broke off may have swallowed the lines behind it.
        return self._text(blank(port, printed))

    def _text(self, line: bytes) -> bytes:
        if found := _SETS_PASSWORD.search(line):
            return line[: found.end()] + _same_length(PLACEHOLDER_PASSWORD, line[found.end() :])
        if found := _SETS_ROUTE_B_ID.search(line):
            return line[: found.end()] + _same_length(PLACEHOLDER_ID, line[found.end() :])
        line = _PAIR_ID.sub(lambda found: found[1] + self._pair_id(found[2]), line)
        line = _PAN_ID.sub(lambda found: found[1] + self._pan_id(found[2]), line)
        return _ADDRESS.sub(self._masked_address, line)

    def _literally(self, line: bytes) -> bytes:
        for secret, placeholder in self._literals:
            line = secret.sub(lambda _, text=placeholder: text, line)  # type: ignore[misc]
        return line

    # --- One placeholder for each ------------------------------------------------------------

    def _pair_id(self, pair_id: bytes) -> bytes:
        number = len(self._pair_ids)
        return self._pair_ids.setdefault(pair_id.upper(), b"%08X" % number)

    def _pan_id(self, pan_id: bytes) -> bytes:
        number = len(self._pan_ids)
        return b"%04X" % self._pan_ids.setdefault(int(pan_id, 16), number)

    def _address(self, address: int) -> int:
        return self._addresses.setdefault(address, len(self._addresses) + 1)

    def _masked_address(self, found: re.Match[bytes]) -> bytes:
        if found["ipv6"]:
            return self._ipv6(found["ipv6"])
        if found["mac"]:
            return b"%016X" % self._address(int(found["mac"], 16))
        return _DIGIT.sub(b"0", found[0])

    def _ipv6(self, ip: bytes) -> bytes:
        if ip.upper().startswith(_MULTICAST):
            return ip
        interface = int(ip.replace(b":", b"")[16:], 16)
        masked = self._address(interface ^ _LOCAL_BIT) ^ _LOCAL_BIT
        digits = b"%016X" % masked
        groups = (digits[at : at + 4] for at in range(0, 16, 4))
        return b"FE80:0000:0000:0000:" + b":".join(groups)


def _hex(text: str) -> bytes:
    return text.encode().hex().upper().encode()


def _same_length(placeholder: str, secret: bytes) -> bytes:
    times = len(secret) // len(placeholder) + 1
    return (placeholder.encode() * times)[: len(secret)]
