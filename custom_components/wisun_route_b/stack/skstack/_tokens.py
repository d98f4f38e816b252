"""The fixed-width tokens of SKSTACK, as regular expressions over bytes.

Their widths are what tells the dialects apart: a side has one digit, an event parameter or
an RSSI two, a length or a port four, a MAC address sixteen. Digits may be of either case.
"""

DIGIT = rb"[0-9A-Fa-f]"
BYTE = DIGIT + rb"{2}"
WORD = DIGIT + rb"{4}"
MAC = DIGIT + rb"{16}"
IPV6 = rb"(?:" + WORD + rb":){7}" + WORD

#: Largest UDP payload of SKSENDTO and ERXUDP in bytes (A1 and C2, SKSENDTO).
MAX_PAYLOAD = 0x04D0


def number(token: bytes) -> int:
    """Return the value of hexadecimal digits."""
    return int(token, 16)


def upper(token: bytes) -> str:
    """Return an address as the rest of the program writes it."""
    return token.decode("ascii").upper()
