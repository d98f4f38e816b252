"""MAC and IPv6 addresses: bytes on the wire, text in messages.

The text is that of SKSTACK: 16 upper-case digits, and eight groups of four.
"""

from typing import Final

from ..route_b import UNIVERSAL_BIT

MAC_SIZE: Final = 8
IP_SIZE: Final = 16

_LINK_LOCAL: Final = bytes.fromhex("FE80000000000000")


def mac_text(mac: bytes) -> str:
    """Return eight bytes of MAC address as text."""
    return mac.hex().upper()


def ip_text(ip: bytes) -> str:
    """Return sixteen bytes of IPv6 address as text."""
    return ip.hex(":", 2).upper()


def link_local(mac: str) -> str:
    """Return the link-local address of 16 hexadecimal digits of MAC."""
    identifier = int(mac, 16) ^ UNIVERSAL_BIT  # V12 p42
    return ip_text(_LINK_LOCAL + identifier.to_bytes(MAC_SIZE))
