"""IPv6 addresses on Route B: the link-local ones that MAC addresses stand for."""

from ..route_b import UNIVERSAL_BIT


def link_local(mac: str) -> str:
    """Return the address of 16 hexadecimal digits of MAC, in the full form of SKSTACK.

    The dongle computes the same for SKLL64, in a tenth of a second.
    """
    identifier = f"{int(mac, 16) ^ UNIVERSAL_BIT:016X}"
    groups = (identifier[at : at + 4] for at in range(0, 16, 4))
    return ":".join(("FE80", "0000", "0000", "0000", *groups))
