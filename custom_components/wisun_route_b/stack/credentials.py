"""The two keys that the utility's letter holds."""

from dataclasses import dataclass, field
import hashlib
import re

from .errors import CredentialsFormatError

_ROUTE_B_ID = re.compile(r"[0-9A-F]{32}")
_PASSWORD = re.compile(r"[0-9A-Za-z]{12}")
_BLANK = re.compile(r"[\s\u3000-]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A Route-B authentication ID and its password, checked and in their canonical form.

    Spaces and hyphens are dropped, the ID is upper-cased; the password keeps its case.
    """

    route_b_id: str = field(repr=False)
    """32 hexadecimal digits."""
    password: str = field(repr=False)
    """12 letters and digits."""

    def __post_init__(self) -> None:
        """Normalise both; raise CredentialsFormatError naming the field that is wrong."""
        route_b_id = _BLANK.sub("", self.route_b_id).upper()
        password = _BLANK.sub("", self.password)
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
        """A name for this meter's service that gives nothing away: a hash of the ID."""
        return hashlib.sha256(b"wisun_route_b:" + self.route_b_id.encode()).hexdigest()[:32]
