"""Looks for what is left of secrets in a text: any six bytes of one, however written."""

from collections.abc import Iterable, Iterator
import re

from custom_components.wisun_route_b.stack.skstack import link_local

#: Bytes of a secret in a row that must not be found.
_MIN_LENGTH = 6


def traces(
    text: str, *, ids: Iterable[str] = (), macs: Iterable[str] = (), words: Iterable[str] = ()
) -> list[str]:
    """Return every piece of a secret that can be found.

    ``ids`` are Route-B IDs and other numbers in hexadecimal, ``macs`` 16 digits, ``words``
    passwords and serial numbers. Looked for as text of either case, as bytes and as text in hexadecimal, with and
    without separators, addresses also as IPv6.
    """
    upper = text.upper()
    haystack = upper + re.sub(r"[ :.-]|\\X", "", upper)
    return [piece for piece in _pieces(ids, macs, words) if piece in haystack]


def _pieces(ids: Iterable[str], macs: Iterable[str], words: Iterable[str]) -> Iterator[str]:
    for route_b_id in ids:
        yield from (route_b_id[-8:].upper(), *_windows(route_b_id, 2 * _MIN_LENGTH))
        yield from _in_ascii(route_b_id)
    for mac in macs:
        ip = link_local(mac)
        interface = ip.replace(":", "")[16:]
        yield from (*_windows(mac, 2 * _MIN_LENGTH), *_windows(interface, 2 * _MIN_LENGTH))
        yield from (*_in_ascii(mac), *_in_ascii(interface), *_in_ascii(ip[20:]))
        yield ":".join(group.lstrip("0") or "0" for group in ip[20:].split(":")).upper()
    for word in words:
        yield from (*_windows(word.upper(), _MIN_LENGTH), *_in_ascii(word))


def _windows(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size].upper() for at in range(len(text) - size + 1))


def _in_ascii(text: str) -> Iterator[str]:
    for form in {text, text.upper(), text.lower()}:
        for at in range(len(form) - _MIN_LENGTH + 1):
            yield form[at : at + _MIN_LENGTH].encode().hex().upper()
