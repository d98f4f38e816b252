"""The one place that masks secrets in whatever is logged, raised or dumped.

Secret are the Route-B ID, the password, and what identifies a household: MAC and IPv6
addresses, serial numbers. Two means: shapes (:func:`redact`), which need no knowledge, and
literal values (:class:`Redactor`), which also find a secret inside a hexadecimal payload,
where the meter repeats the ID in clear text during the sign-in. Neither can recognise a
fragment of a secret: whatever shows bytes of the serial line shows only what is known
to be harmless (``trace/trace.py`` and what each driver words).
"""

from ipaddress import IPv6Address
import re
from string import ascii_uppercase
from typing import Final

from .route_b import UNIVERSAL_BIT

MASK = "****"

_HEX = r"[0-9A-F]"

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # SKSETPWD C <password>, SKSETRBID <id>: whatever stands behind the command.
    (re.compile(r"(SKSETPWD\s+[0-9A-F]+\s+)\S+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"(SK(?:SETRBID|SETHPWD|SETPSK)\s+).+", re.IGNORECASE), rf"\g<1>{MASK}"),
    # EPANDESC fields and registers that are parts of the ID or of an address.
    (re.compile(r"((?:PairID|Addr|Pan ID):)[0-9A-F]+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"(SKSREG\s+S0?[A3B]\s+)\S+", re.IGNORECASE), rf"\g<1>{MASK}"),
    # IPv6 as SKSTACK writes it, then as others do; multicast addresses reveal nothing and stay.
    (re.compile(r"\bFE80(?::[0-9A-F]{4}){7}\b", re.IGNORECASE), "FE80::" + MASK),
    (re.compile(r"\bFE80:(?::?[0-9A-F]{1,4}){1,7}\b", re.IGNORECASE), "FE80::" + MASK),
    # A PANA packet (port 02CC): the sign-in carries the ID in clear text.
    (re.compile(r"(02CC 02CC .*? [0-9A-F]{4} ).*", re.IGNORECASE | re.DOTALL), rf"\g<1>{MASK}"),
    # 32 hex digits are a Route-B ID, 16 a MAC address: only as words of their own.
    (re.compile(rf"\b{_HEX}{{32}}\b", re.IGNORECASE), MASK),
    (re.compile(rf"\b{_HEX}{{16}}\b", re.IGNORECASE), MASK),
    (re.compile(rf"\b{_HEX}{{2}}([:-])(?:{_HEX}{{2}}\1){{4,6}}{_HEX}{{2}}\b", re.IGNORECASE), MASK),
)

#: What may stand between the bytes of a secret.
_BETWEEN: Final = r"(?:[ :.-]|\\x)?"
#: A MAC address, which an IPv6 address repeats, and a Route-B ID, of which a scan shows the end.
_ADDRESS: Final = re.compile(rf"{_HEX}{{16}}", re.IGNORECASE)
_ROUTE_B_ID: Final = re.compile(rf"{_HEX}{{32}}", re.IGNORECASE)
#: What makes a letter of ASCII small.
_LOWER_CASE_BIT: Final = 0x20
#: Digits that distinguish devices: six bytes of its address.
_MIN_PART_DIGITS: Final = 12
#: Secrets that one redactor looks for; a broken dongle may claim a new address every second.
_MAX_SECRETS: Final = 12


def redact(text: str) -> str:
    """Mask everything in ``text`` that has the shape of a secret."""
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


class Redactor:
    """Masks the shapes, and the given literal secrets in every notation."""

    __slots__ = ("_pattern", "_secrets")

    def __init__(self, *secrets: str) -> None:
        """Take the secrets to mask; see :meth:`learn`."""
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Mask these as well: as they are, byte by byte, and as hexadecimal ASCII.

        Of 16 hexadecimal digits (a MAC address) and 32 (a Route-B ID) also the last parts,
        and of the former the IPv6 addresses that it makes.
        """
        new = {secret.upper() for secret in secrets if secret} - self._secrets
        if not new or len(self._secrets) + len(new) > _MAX_SECRETS:
            return
        self._secrets |= new
        forms = {form for secret in self._secrets for form in _disguises(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(longest_first), re.IGNORECASE)

    def hides(self, text: str) -> bool:
        """Return whether one of the literal secrets is in ``text``."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def literally(self, text: str) -> str:
        """Return ``text`` without the literal secrets, whatever else it looks like."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def __call__(self, text: str) -> str:
        """Return ``text`` without any secret."""
        return redact(self.literally(text))


def _disguises(secret: str) -> set[str]:
    """Return regular expressions for an upper-case secret in all its forms."""
    forms = {re.escape(secret), _ascii(secret)}
    if _ROUTE_B_ID.fullmatch(secret):
        # The last eight digits are the pairing ID.
        parts = {secret, secret[-_MIN_PART_DIGITS:], secret[-8:]}
    elif _ADDRESS.fullmatch(secret):
        interface = f"{int(secret, 16) ^ UNIVERSAL_BIT:016X}"
        parts = {secret, interface, secret[-_MIN_PART_DIGITS:]}
        forms |= _as_ipv6(interface)
    else:
        return forms
    return forms | {form(part) for part in parts for form in (_bytewise, _ascii)}


def _bytewise(digits: str) -> str:
    return _BETWEEN.join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _ascii(text: str) -> str:
    """Return how text looks in hexadecimal; its letters may be large or small."""
    return _BETWEEN.join(
        f"(?:{byte:02X}|{byte | _LOWER_CASE_BIT:02X})"
        if chr(byte) in ascii_uppercase
        else f"{byte:02X}"
        for byte in text.encode()
    )


def _as_ipv6(interface: str) -> set[str]:
    """Return the link-local address with this identifier as programs write it."""
    groups = [interface[at : at + 4] for at in range(0, 16, 4)]
    compressed = IPv6Address(f"FE80::{':'.join(groups)}").compressed
    short = ":".join(group.lstrip("0") or "0" for group in groups)
    return {
        re.escape(compressed),
        *([re.escape(short)] if len(short) > _MIN_PART_DIGITS else []),
        _ascii(":".join(groups)),
        _ascii(":".join(groups[1:])),
    }
