"""The fixed-width tokens of SKSTACK, as regular expressions over bytes.

Their widths distinguish the dialects: a side has one digit, an event parameter or
an RSSI two, a length or a port four, a MAC address sixteen. Digits may be of either case.
"""

DIGIT = rb"[0-9A-Fa-f]"
BYTE = DIGIT + rb"{2}"
WORD = DIGIT + rb"{4}"
MAC = DIGIT + rb"{16}"
IPV6 = rb"(?:" + WORD + rb":){7}" + WORD


def number(token: bytes) -> int:
    """Return the value of hexadecimal digits."""
    return int(token, 16)


def upper(token: bytes) -> str:
    """Return an address as the rest of the program writes it."""
    return token.decode("ascii").upper()
