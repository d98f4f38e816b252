"""Stable pseudonyms for addresses, PANs and pairing IDs."""

from collections.abc import Hashable
from typing import Final

from ..route_b import UNIVERSAL_BIT

#: Pseudonyms of each kind. A street has fewer meters, and a broken dongle must not fill the memory.
_MAX_PSEUDONYMS: Final = 64
#: The PAN ID of a dongle that is in no network.
_NO_PAN: Final = 0xFFFF
_MULTICAST: Final = "FF"


class Pseudonyms:
    """Numbers each address, PAN and pairing ID in the order of appearance. Has no ``repr`` of its own."""

    def __init__(self) -> None:
        """Start without any."""
        self._numbers: dict[str, dict[Hashable, int]] = {}

    def address(self, address: str) -> str:
        """Return the pseudonym of the device with this MAC or link-local IPv6 address, in full form."""
        digits = address.replace(":", "")
        if ":" not in address:
            return self._pseudonym("address", int(digits, 16))
        if address.upper().startswith(_MULTICAST):
            return "<all>"
        return self._pseudonym("address", int(digits[16:], 16) ^ UNIVERSAL_BIT)

    def pan(self, pan_id: int) -> str:
        """Return the pseudonym of a PAN; FFFF, which means none, stays."""
        return f"{pan_id:04X}" if pan_id == _NO_PAN else self._pseudonym("PAN", pan_id)

    def pair(self, pair_id: str) -> str:
        """Return the pseudonym of a pairing ID."""
        return self._pseudonym("pairing ID", pair_id)

    def _pseudonym(self, kind: str, value: Hashable) -> str:
        numbers = self._numbers.setdefault(kind, {})
        if value not in numbers and len(numbers) == _MAX_PSEUDONYMS:
            return f"<{kind}>"
        return f"<{kind} {numbers.setdefault(value, len(numbers) + 1)}>"
