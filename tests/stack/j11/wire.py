"""Helpers of the J11 tests: frames as a dongle sends them, and ways to cut them.

The bytes are made here, not by the code under test.
"""

from collections.abc import Iterable

from custom_components.wisun_route_b.stack.j11 import Message, Receiver
from tests.stack.cuts import assert_cuts_do_not_matter_to

CODE = bytes.fromhex("D0F9EE5D")
#: Documentation addresses of ROHM's application note.
MAC = "0050C2FFFEDC2822"
IP = "FE80:0000:0000:0000:0250:C2FF:FEDC:2822"
MAC_BYTES = bytes.fromhex(MAC)
IP_BYTES = bytes.fromhex(IP.replace(":", ""))


def frame(
    code: int,
    data: bytes | str = b"",
    *,
    unique: bytes = CODE,
    length: int | None = None,
    data_sum: int | None = None,
) -> bytes:
    """Return a frame with right checksums, unless another length or data sum is asked for."""
    body = bytes.fromhex(data) if isinstance(data, str) else data
    head = unique + code.to_bytes(2) + (4 + len(body) if length is None else length).to_bytes(2)
    total = sum(body) % 0x10000 if data_sum is None else data_sum
    return head + (sum(head) % 0x10000).to_bytes(2) + total.to_bytes(2) + body


def datagram(
    payload: bytes,
    *,
    size: int | None = None,
    source: bytes = IP_BYTES,
    pan_id: int = 0x22A9,
    kind: int = 0,
    encryption: int = 2,
    rssi: int = 0xCB,
) -> bytes:
    """Return the data of a notification 6018."""
    ports = bytes.fromhex("0E1A 0E1A")
    flags = bytes((kind, encryption, rssi))
    claim = (len(payload) if size is None else size).to_bytes(2)
    return source + ports + pan_id.to_bytes(2) + flags + claim + payload


def decode(*chunks: bytes) -> list[Message]:
    """Feed the chunks to a new receiver."""
    receiver = Receiver()
    return [message for chunk in chunks for message in receiver.receive(chunk)]


def assert_cuts_do_not_matter(data: bytes, expected: Iterable[Message]) -> None:
    """Check that the same messages come out however the bytes arrive."""
    assert_cuts_do_not_matter_to(decode, data, expected)
