"""Reads Home Assistant's log: when a set-up began, and how many records an integration wrote."""

from datetime import datetime
import re

#: 2026-11-24 09:00:05.123+00:00 INFO (MainThread) [homeassistant.setup] Setting up energy
_RECORD = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+(?:[+-]\d\d:\d\d)?) (?P<level>[A-Z]+) \(.*?\) \[(?P<logger>[^]]+)\]"
    r" (?P<text>.*)"
)
_SEEN_BY_DEFAULT = frozenset({"WARNING", "ERROR", "CRITICAL"})


def set_up_began(log: str, domain: str) -> datetime | None:
    """Return when Home Assistant began to set up an integration; None if it has not."""
    for line in log.splitlines():
        found = _RECORD.match(line)
        if (
            found
            and found["logger"] == "homeassistant.setup"
            and found["text"] == f"Setting up {domain}"
        ):
            # In the time zone of this machine, where none is written.
            return datetime.fromisoformat(found["moment"]).astimezone()
    return None


def count_lines(log: str, loggers: tuple[str, ...]) -> int:
    """Count the lines of warnings and errors of these loggers, with their tracebacks."""
    count, ours = 0, False
    for line in log.splitlines():
        if found := _RECORD.match(line):
            ours = found["level"] in _SEEN_BY_DEFAULT and found["logger"].startswith(loggers)
        count += ours
    return count
