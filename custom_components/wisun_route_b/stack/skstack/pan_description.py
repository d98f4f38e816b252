"""Assembles the EPANDESC block, the only message that takes several lines.

The fields stand one a line behind two spaces; other firmware may print fewer, or some behind the
value. A datagram may come in between. PairID is the last field and ends the block at once; a
block without it (scan mode 3) ends with the first line that is no field. Side exists on dual firmware only. Fields of other names are passed over.
"""

from collections.abc import Mapping
import re
from types import MappingProxyType

from ._tokens import BYTE, DIGIT, MAC, WORD, number, upper
from .messages import PanDescription

_FIELD = re.compile(rb" *(?P<name>[A-Z][A-Za-z ]*):(?P<value>[!-~]+) *")
_LAST = b"PairID"
_REQUIRED = frozenset({b"Channel", b"Channel Page", b"Pan ID", b"Addr", b"LQI"})
_FORMS: Mapping[bytes, re.Pattern[bytes]] = MappingProxyType(
    {
        b"Channel": re.compile(BYTE),
        b"Channel Page": re.compile(BYTE),
        b"Pan ID": re.compile(WORD),
        b"Addr": re.compile(MAC),
        b"LQI": re.compile(BYTE),
        b"Side": re.compile(DIGIT),
        _LAST: re.compile(rb"[0-9A-Za-z]{8}"),
    }
)


class PanDescriptionBuilder:
    """Collects one block after the other; whatever is not whole is dropped and counted."""

    __slots__ = ("_fields", "incomplete")

    def __init__(self) -> None:
        """Start outside of a block."""
        self._fields: dict[bytes, bytes] | None = None
        self.incomplete = 0
        """Blocks that were dropped: a field missing, malformed or repeated."""

    def begin(self) -> None:
        """Start a block: its headline has come."""
        self._fields = {}

    def add(self, line: bytes) -> bool:
        """Take the line if a block is open and the line is a field; return whether it was."""
        field = _FIELD.fullmatch(line)
        if self._fields is None or field is None:
            return False
        name, value = field["name"], field["value"]
        form = _FORMS.get(name)
        if form is None:
            return True
        if name in self._fields or not form.fullmatch(value):
            self._drop()
        else:
            self._fields[name] = value
        return True

    @property
    def finished(self) -> bool:
        """Whether the field has come that nothing follows."""
        return self._fields is not None and _LAST in self._fields

    def end(self) -> PanDescription | None:
        """Close the block, if one is open, and return its contents."""
        fields, self._fields = self._fields, None
        if fields is None:
            return None
        if not fields.keys() >= _REQUIRED:
            self.incomplete += 1
            return None
        side, pair_id = fields.get(b"Side"), fields.get(_LAST)
        return PanDescription(
            channel=number(fields[b"Channel"]),
            page=number(fields[b"Channel Page"]),
            pan_id=number(fields[b"Pan ID"]),
            address=upper(fields[b"Addr"]),
            lqi=number(fields[b"LQI"]),
            side=None if side is None else number(side),
            pair_id=None if pair_id is None else pair_id.decode("ascii").upper(),
        )

    def _drop(self) -> None:
        self._fields = None
        self.incomplete += 1
