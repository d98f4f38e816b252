"""The one place that masks secrets in whatever is logged, raised or dumped.

Secret are the Route-B ID, the password, and what identifies a household: MAC and IPv6
addresses. Two means: shapes (:func:`redact`), which need no knowledge, and literal values
(:class:`Redactor`), which also find a secret inside a hexadecimal payload, where the meter
repeats the ID in clear text during the sign-in.
"""

import re

MASK = "****"

_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # SKSETPWD C <password>, SKSETRBID <id>: whatever stands behind the command.
    (re.compile(r"(SKSETPWD\s+[0-9A-F]+\s+)\S+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"(SK(?:SETRBID|SETHPWD|SETPSK)\s+).+", re.IGNORECASE), rf"\g<1>{MASK}"),
    # EPANDESC fields and registers that are parts of the ID or of an address.
    (re.compile(r"((?:PairID|Addr):)[0-9A-F]+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"(SKSREG\s+S0?A\s+)\S+", re.IGNORECASE), rf"\g<1>{MASK}"),
    # IPv6 in the full form of SKSTACK; multicast FF02::1 says nothing and stays readable.
    (re.compile(r"\bFE80(?::[0-9A-F]{4}){7}\b", re.IGNORECASE), "FE80::" + MASK),
    # A PANA packet (port 02CC): the sign-in carries the ID in clear text.
    (re.compile(r"(02CC 02CC .*? [0-9A-F]{4} ).*", re.IGNORECASE | re.DOTALL), rf"\g<1>{MASK}"),
    # 32 hex digits are a Route-B ID, 16 a MAC address: only as words of their own.
    (re.compile(r"\b[0-9A-F]{32}\b", re.IGNORECASE), MASK),
    (re.compile(r"\b[0-9A-F]{16}\b", re.IGNORECASE), MASK),
)


def redact(text: str) -> str:
    """Mask everything in ``text`` that has the shape of a secret."""
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    return text


class Redactor:
    """Mask the shapes, and the given literal secrets in every disguise."""

    __slots__ = ("_pattern",)

    def __init__(self, *secrets: str) -> None:
        """Remember the secrets to hide: as they are and as hexadecimal ASCII."""
        disguises = {form for secret in secrets if secret for form in _disguises(secret)}
        longest_first = sorted(disguises, key=len, reverse=True)
        self._pattern = (
            re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
            if longest_first
            else None
        )

    def __call__(self, text: str) -> str:
        """Return ``text`` without any secret."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return redact(text)


def _disguises(secret: str) -> tuple[str, str]:
    return secret, secret.encode().hex()
