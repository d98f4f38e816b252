"""The PANA packets of a meter: the four of a join, in the layout of captures 01 and 13 (RFC 5191).

Those of a renewal follow the RFC alone, as none is published.

The second one carries the Route-B ID in clear text, as real meters do: it must never be logged.
Nothing is encrypted here; keys, nonces and codes are random bytes.
"""

from random import Random

from .pace import Span

PORT = 0x02CC
#: Seconds for each of the four messages of a sign-in, and until the list of instances that follows it:
#: those of SKSTACK captures 01, 09, 15 and 22. Those of J11 are not documented; together 2 to 4 s.
ANSWER: Span = (0.35, 0.6)
REPLY: Span = (0.12, 0.3)
INSTANCE_LIST: Span = (0.0, 3.0)

_AUTH_FLAGS = {"start": 0xC000, "request": 0x8000, "complete": 0xA000}
#: The answer to a notification that asks for a renewal: flag A, and another message type.
_RENEWAL_FLAG = 0x1000
_AUTHENTICATION, _NOTIFICATION = 2, 4
_EAP_PSK = 0x2F


def packets(random: Random, route_b_id: str, lifetime: float) -> list[bytes]:
    """Return what a meter sends during a join: 28, 68, 54 and 58 (hex) bytes."""
    session, sequence = random.getrandbits(32), random.getrandbits(31)
    nonce, identifier = random.randbytes(16), random.randrange(0xFF)
    bodies = [
        ("start", _avp(6, (5).to_bytes(4)) + _avp(3, (12).to_bytes(4))),
        ("request", _avp(5, random.randbytes(16)) + _avp(2, _hello(identifier, nonce, route_b_id))),
        ("request", _avp(2, _proof(identifier + 1, nonce, random))),
        ("complete", _result(identifier + 1, int(lifetime), random)),
    ]
    return [
        _packet(_AUTH_FLAGS[kind], session, sequence + number, body)
        for number, (kind, body) in enumerate(bodies)
    ]


def renewal(random: Random, route_b_id: str, lifetime: float) -> list[bytes]:
    """Return what a meter sends when the dongle asks it to renew the session (RFC 5191, 4.3)."""
    answer = _packet(
        _RENEWAL_FLAG,
        random.getrandbits(32),
        random.getrandbits(31),
        _avp(1, random.randbytes(16)),
        _NOTIFICATION,
    )
    return [answer, *packets(random, route_b_id, lifetime)[1:]]


def _hello(identifier: int, nonce: bytes, route_b_id: str) -> bytes:
    return _eap(identifier, b"\x00" + nonce + b"SM" + route_b_id.encode())


def _proof(identifier: int, nonce: bytes, random: Random) -> bytes:
    return _eap(
        identifier, b"\x80" + nonce + random.randbytes(16) + bytes(4) + random.randbytes(17)
    )


def _result(identifier: int, lifetime: int, random: Random) -> bytes:
    success = bytes((3, identifier)) + (4).to_bytes(2)
    return (
        _avp(7, bytes(4))
        + _avp(2, success)
        + _avp(4, random.randbytes(4))
        + _avp(8, lifetime.to_bytes(4))
        + _avp(1, random.randbytes(16))
    )


def _eap(identifier: int, body: bytes) -> bytes:
    """Return an EAP request of type EAP-PSK."""
    return bytes((1, identifier)) + (5 + len(body)).to_bytes(2) + bytes((_EAP_PSK,)) + body


def _avp(code: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return code.to_bytes(2) + bytes(2) + len(value).to_bytes(2) + bytes(2) + value + padding


def _packet(
    flags: int, session: int, sequence: int, body: bytes, kind: int = _AUTHENTICATION
) -> bytes:
    size = (16 + len(body)).to_bytes(2)
    head = bytes(2) + size + flags.to_bytes(2) + kind.to_bytes(2)
    return head + session.to_bytes(4) + sequence.to_bytes(4) + body
