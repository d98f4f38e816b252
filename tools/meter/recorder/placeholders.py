"""Placeholders for secrets in a record: of the same length, and stable for each secret."""

import re

from custom_components.wisun_route_b.stack import Credentials

#: The placeholders of the captures in tests/fixtures/transcripts.
PLACEHOLDER_ID = "00112233445566778899AABBCCDDEEFF"
PLACEHOLDER_PASSWORD = "0123456789AB"  # noqa: S105 - made up

_NO_PAN = 0xFFFF
#: The universal/local bit, in which a MAC address and its interface identifier differ.
_LOCAL_BIT = 1 << 57
#: FE80::/64, as the beginning of an address of 128 bits, and the rest of such an address.
_LINK_LOCAL = 0xFE80 << 112
_INTERFACE = (1 << 64) - 1
#: First byte of a multicast address, and what the last 64 bits of those of no single device are below: a
#: solicited-node address ends in the last three bytes of a device's MAC address (RFC 4291, 2.7.1).
_MULTICAST = 0xFF
_WELL_KNOWN = 0x10000


class Placeholders:
    """Placeholders of one conversation: an address has the same one everywhere."""

    def __init__(self, credentials: Credentials | None) -> None:
        """Take the credentials, to find them also in unexpected places."""
        self._addresses: dict[int, int] = {}
        self._pans: dict[int, int] = {_NO_PAN: _NO_PAN}
        self._pair_ids: dict[bytes, bytes] = {}
        self._literals: list[tuple[re.Pattern[bytes], bytes]] = []
        if credentials is not None:
            self._pair_ids[credentials.pair_id.encode()] = PLACEHOLDER_ID[-8:].encode()
            self._know(credentials.route_b_id, PLACEHOLDER_ID)
            self._know(credentials.password, PLACEHOLDER_PASSWORD)
            raw = re.compile(re.escape(bytes.fromhex(credentials.route_b_id)))
            self._literals.append((raw, bytes.fromhex(PLACEHOLDER_ID)))

    def _know(self, secret: str, placeholder: str) -> None:
        for form in (str.encode, _hex):
            pattern = re.compile(re.escape(form(secret)), re.IGNORECASE)
            self._literals.append((pattern, form(placeholder)))

    def address(self, mac: int) -> int:
        """Return what stands for a MAC address."""
        return self._addresses.setdefault(mac, len(self._addresses) + 1)

    def ip(self, ip: int) -> int:
        """Return what stands for an IPv6 address: the link-local one of the MAC address' placeholder.

        Well-known multicast addresses stay; of others is left that they are multicast.
        """
        interface = ip & _INTERFACE
        if ip >> 120 == _MULTICAST:
            return ip if interface < _WELL_KNOWN else ip >> 112 << 112
        return _LINK_LOCAL | (self.address(interface ^ _LOCAL_BIT) ^ _LOCAL_BIT)

    def pan(self, pan: int) -> int:
        """Return what stands for a PAN ID; FFFF is none."""
        return self._pans.setdefault(pan, len(self._pans))

    def pair_id(self, pair_id: bytes) -> bytes:
        """Return what stands for eight characters of a pairing ID."""
        return self._pair_ids.setdefault(pair_id.upper(), b"%08X" % len(self._pair_ids))

    def literally(self, data: bytes) -> bytes:
        """Return data without the credentials: as text, as digits of it, and the ID as bytes."""
        for secret, placeholder in self._literals:
            data = secret.sub(lambda _, text=placeholder: text, data)  # type: ignore[misc]
        return data


def same_length(placeholder: str, secret: bytes) -> bytes:
    """Return a placeholder, repeated or cut to the length of a secret."""
    times = len(secret) // len(placeholder) + 1
    return (placeholder.encode() * times)[: len(secret)]


def _hex(text: str) -> bytes:
    return text.encode().hex().upper().encode()
