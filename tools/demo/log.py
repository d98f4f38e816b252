"""Reads Home Assistant's log."""

from collections.abc import Iterator
import re
from typing import Final

_START: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (?P<level>[A-Z]+) \(", re.MULTILINE)
_BAD: Final = frozenset({"WARNING", "ERROR", "CRITICAL"})

#: Home Assistant's notice about every custom integration when it loads it.
_NOT_TESTED: Final = re.compile(
    r"WARNING .*\[homeassistant\.loader\] We found a custom integration \S+ which has not been tested"
)

#: Its notice about any entity if 0.4 s pass while a state is written. Ours only look up a value, so
#: that is a busy machine.
_BUSY_MACHINE: Final = re.compile(
    r"WARNING .*\[homeassistant\.helpers\.entity\] Updating state for \S+ .* took \d"
)

#: A traceback's line about a file that is no custom integration's. Its path may lead through a
#: folder that is named after this one, where the scripts keep the interpreter.
_FOREIGN_FILE: Final = re.compile(r'^ +File "(?!.*/custom_components/)')


def complaints(log: str, name: str) -> list[str]:
    """Return the warnings, errors and tracebacks that name something anywhere in their text.

    Left out are Home Assistant's notices that it has not tested the custom integration, and that
    the machine is slow.
    """
    return [
        record
        for level, record in _records(log)
        if any(
            # The scripts keep the interpreter below ~/.cache, in a folder of the same name.
            name in line.replace(f".cache/{name}/", "")
            for line in record.splitlines()
            if not _FOREIGN_FILE.search(line)
        )
        and (level in _BAD or "Traceback (most recent call last)" in record)
        and not _NOT_TESTED.search(record)
        and not _BUSY_MACHINE.search(record)
    ]


def _records(log: str) -> Iterator[tuple[str, str]]:
    """Yield level and text of each record; what follows its first line belongs to it."""
    starts = list(_START.finditer(log))
    for number, start in enumerate(starts, 1):
        end = starts[number].start() if number < len(starts) else len(log)
        yield start["level"], log[start.start() : end].rstrip()
