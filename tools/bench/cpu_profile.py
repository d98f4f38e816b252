"""Where CPU time went: a profile, summed up by part of the program."""

import cProfile
import pstats

#: Part of a file's path -> name of the part; the first that fits counts.
_PARTS = (
    ("stack/dongle/port", "stack: dongle (port)"),
    ("stack/dongle/device", "stack: dongle (port)"),
    ("stack/dongle", "stack: dongle"),
    ("stack/controller", "stack: controller"),
    ("stack/trace", "stack: trace"),
    ("stack/link", "stack: link"),
    ("stack/skstack", "stack: skstack"),
    ("stack/echonet", "stack: echonet"),
    ("stack/meter", "stack: meter"),
    ("stack/redact", "stack: redact"),
    ("serial", "serial library"),
    ("select", "waiting for events (system call)"),
    ("posix", "reading and writing the port (system calls)"),
    ("asyncio", "event loop"),
    ("logging", "logging"),
    ("tools/bench/", "the measuring program"),
)


def shares(profile: cProfile.Profile) -> dict[str, float]:
    """Return the share of each part in the CPU time, largest first."""
    spent: dict[str, float] = {}
    table: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    table = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (path, _line, name), (_calls, _primitive, own, _total, _callers) in table.items():
        part = _part(path if path != "~" else name)
        spent[part] = spent.get(part, 0.0) + own
    whole = sum(spent.values())
    ordered = sorted(spent.items(), key=lambda item: -item[1])
    return {part: own / whole for part, own in ordered}


def _part(place: str) -> str:
    return next((part for key, part in _PARTS if key in place), "Python itself")
