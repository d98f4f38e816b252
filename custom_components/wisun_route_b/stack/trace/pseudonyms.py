"""Numbers in the place of what must not be told, always the same for the same."""

from collections.abc import Hashable
from typing import Final

#: Addresses, PANs and pairing IDs that are told apart; a street has fewer meters, and nobody
#: can fill our memory.
_MOST: Final = 64
#: The PAN ID of a dongle that is in no network.
_NO_PAN: Final = 0xFFFF
#: The bit in which a MAC address and the interface identifier of its IPv6 address differ.
_UNIVERSAL: Final = 1 << 57
_MULTICAST: Final = "FF"


class Names:
    """Calls the first address 1, the second 2. Never printed itself."""

    def __init__(self) -> None:
        """Begin without any."""
        self._numbers: dict[str, dict[Hashable, int]] = {}

    def address(self, address: str) -> str:
        """Return the name of who has this MAC or link-local IPv6 address, in full form."""
        digits = address.replace(":", "")
        if ":" not in address:
            return self._name("address", int(digits, 16))
        if address.upper().startswith(_MULTICAST):
            return "<all>"
        return self._name("address", int(digits[16:], 16) ^ _UNIVERSAL)

    def pan(self, pan_id: int) -> str:
        """Return the name of a PAN; FFFF, which is none, stays."""
        return f"{pan_id:04X}" if pan_id == _NO_PAN else self._name("PAN", pan_id)

    def pair(self, pair_id: str) -> str:
        """Return the name of a pairing ID."""
        return self._name("pairing ID", pair_id)

    def _name(self, kind: str, value: Hashable) -> str:
        numbers = self._numbers.setdefault(kind, {})
        if value not in numbers and len(numbers) == _MOST:
            return f"<{kind}>"
        return f"<{kind} {numbers.setdefault(value, len(numbers) + 1)}>"
