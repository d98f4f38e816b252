"""Helpers of the SKSTACK tests: lines as a dongle prints them, and ways to cut them."""

from collections.abc import Iterable

from custom_components.wisun_route_b.stack.skstack import Message, Receiver
from tests.stack.cuts import assert_cuts_do_not_matter_to

OWN = "FE80:0000:0000:0000:021D:1291:0004:E578"
METER = "FE80:0000:0000:0000:C2F9:4500:4058:B5FB"
MAC = "C0F945004058B5FB"

#: The longest claim of a header, and the line end behind it: no datagram holds back more.
LONGEST_WAIT = 0x4D0 + 2


def erxudp(
    payload: bytes, *, size: int | None = None, tail: str = "1 0", binary: bool = False
) -> bytes:
    """Print a datagram; ``tail`` is what stands between MAC and length."""
    claim = len(payload) if size is None else size
    header = f"ERXUDP {METER} {OWN} 0E1A 0E1A {MAC} {tail} {claim:04X} "
    return header.encode() + (payload if binary else payload.hex().upper().encode()) + b"\r\n"


def decode(*chunks: bytes) -> list[Message]:
    """Feed the chunks to a new receiver."""
    receiver = Receiver()
    return [message for chunk in chunks for message in receiver.receive(chunk)]


def assert_cuts_do_not_matter(data: bytes, expected: Iterable[Message]) -> None:
    """Check that the same messages come out however the bytes arrive."""
    assert_cuts_do_not_matter_to(decode, data, expected)
