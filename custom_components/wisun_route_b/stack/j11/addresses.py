"""MAC and IPv6 addresses: bytes on the wire, text in messages.

The text is that of SKSTACK: 16 upper-case digits, and eight groups of four.
"""

from typing import Final

MAC_SIZE: Final = 8
IP_SIZE: Final = 16

_LINK_LOCAL: Final = bytes.fromhex("FE80000000000000")
#: The bit of the first byte of an EUI-64 that says "universal", which an IPv6 interface
#: identifier has inverted (RFC 4291, appendix A; V12 p42).
_UNIVERSAL: Final = 0x02


def mac_text(mac: bytes) -> str:
    """Return eight bytes of MAC address as text."""
    return mac.hex().upper()


def ip_text(ip: bytes) -> str:
    """Return sixteen bytes of IPv6 address as text."""
    return ip.hex(":", 2).upper()


def link_local(mac: str) -> str:
    """Return the link-local address of 16 hexadecimal digits of MAC."""
    first, *rest = bytes.fromhex(mac)
    return ip_text(_LINK_LOCAL + bytes((first ^ _UNIVERSAL, *rest)))
