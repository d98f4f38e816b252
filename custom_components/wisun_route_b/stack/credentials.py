"""The two keys that the utility's letter holds."""

from dataclasses import dataclass, field
import hashlib
import re
from typing import Final
import unicodedata

from .errors import CredentialsFormatError

_ROUTE_B_ID = re.compile(r"[0-9A-F]{32}")
_PASSWORD = re.compile(r"[0-9A-Za-z]{12}")
#: Unicode's categories of hyphens and dashes, of blanks, and of characters that cannot be seen.
_SEPARATORS: Final = frozenset({"Pd", "Zs", "Zl", "Zp", "Cc", "Cf"})
#: A minus sign, and the long-vowel mark that a Japanese keyboard types for a hyphen.
_LIKE_HYPHENS: Final = frozenset("\u2212\u30fc")


def normalised(text: str) -> str:
    """Return what was typed or pasted in the characters of ASCII, where it can be written in them.

    Full-width letters and digits, as an input method for Japanese types them, become the usual ones
    (Unicode's form NFKC); hyphens, blanks and invisible characters of every kind are dropped.
    """
    return "".join(
        char
        for char in unicodedata.normalize("NFKC", text)
        if unicodedata.category(char) not in _SEPARATORS and char not in _LIKE_HYPHENS
    )


@dataclass(frozen=True, slots=True)
class Credentials:
    """A Route-B authentication ID and its password, checked and in their canonical form.

    See :func:`normalised`; the ID is upper-cased, the password keeps its case.
    """

    route_b_id: str = field(repr=False)
    """32 hexadecimal digits."""
    password: str = field(repr=False)
    """12 letters and digits."""

    def __post_init__(self) -> None:
        """Normalise both; raise CredentialsFormatError naming the field that is wrong."""
        route_b_id = normalised(self.route_b_id).upper()
        password = normalised(self.password)
        if not _ROUTE_B_ID.fullmatch(route_b_id):
            raise CredentialsFormatError("route_b_id")
        if not _PASSWORD.fullmatch(password):
            raise CredentialsFormatError("password")
        object.__setattr__(self, "route_b_id", route_b_id)
        object.__setattr__(self, "password", password)

    @property
    def pair_id(self) -> str:
        """The pairing ID that the meter shows in a scan: the last 8 digits of the ID."""
        return self.route_b_id[-8:]

    @property
    def fingerprint(self) -> str:
        """An identifier of this meter's service that does not reveal the ID: a hash of it."""
        return hashlib.sha256(b"wisun_route_b:" + self.route_b_id.encode()).hexdigest()[:32]
