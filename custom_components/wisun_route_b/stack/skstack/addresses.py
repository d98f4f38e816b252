"""IPv6 addresses on Route B: the link-local ones that MAC addresses stand for."""

#: The bit of an EUI-64 that says "universal", which an IPv6 interface identifier has inverted
#: (RFC 4291, appendix A).
_UNIVERSAL = 0x02 << 56


def link_local(mac: str) -> str:
    """Return the address of 16 hexadecimal digits of MAC, in the full form of SKSTACK.

    The dongle computes the same for SKLL64, in a tenth of a second.
    """
    identifier = f"{int(mac, 16) ^ _UNIVERSAL:016X}"
    groups = (identifier[at : at + 4] for at in range(0, 16, 4))
    return ":".join(("FE80", "0000", "0000", "0000", *groups))
