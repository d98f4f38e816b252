"""Bytes as they arrive from a serial line: whole, or cut anywhere."""

from collections.abc import Callable, Iterable, Iterator


def one_by_one(data: bytes) -> Iterator[bytes]:
    """Cut between all bytes."""
    return (data[index : index + 1] for index in range(len(data)))


def in_two(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Cut once, in every possible place."""
    return ((data[:index], data[index:]) for index in range(len(data) + 1))


def assert_cuts_do_not_matter_to[M](
    decode: Callable[..., list[M]], data: bytes, expected: Iterable[M]
) -> None:
    """Check that the same messages come out however the bytes arrive."""
    wanted = list(expected)
    assert decode(data) == wanted
    assert decode(*one_by_one(data)) == wanted
    for head, tail in in_two(data):
        assert decode(head, tail) == wanted, f"cut at byte {len(head)}"
