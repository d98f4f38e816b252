"""The section of docs/benchmarks.md about J11 dongles."""

from .figures import Figures
from .goals import Goal
from .tables import Row, mebibytes, milliseconds, plain, table

TITLE = "## J11 dongles\n"

_TEXT = """\
The same meter behind an RS-WSUHA-J11, read by this stack and by
[broute-j11](https://pypi.org/project/broute-j11/) 0.1.0 with its own settings, each from an emulator of
its own. Both read four properties with one request. broute-j11 resets the dongle at each start; it
remembers the network, so that its second start needs no scan (both rows below the first), but does not
notice that a session is alive. A tenth of that start is less than one answer of the meter takes on the
average (0.93 s). Where the program that uses it stores no network, which is the library's default, each of
its starts is that of the first row. Its scan has duration 8 (36 s on the 14 channels); ours begins with the
shortest in which meters were found. Written by `scripts/bench --j11`, or with all the rest.
"""
_MORE = """\

Recovery, from the end of the fault to the next good reading. Both read every 30 s and at once when they
report that the session is lost (broute-j11) or the link is up again (ours); each fault came 4, 12 and 20 s
after the third reading, with three different meters.
"""

_ROWS = (
    Row("J11 cold", "Start, nothing known"),
    Row("J11 warm", "Start, network remembered, dongle was without power"),
    Row("J11 live", "Start, session still alive"),
    Row("J11 reading", "Time of one full reading"),
    Row("J11 datagrams", "Datagrams to the meter for one", plain),
    Row("J11 bytes out", "Bytes in them (ECHONET Lite)", plain),
    Row("J11 bytes in", "Bytes in the answers", plain),
    Row("J11 cpu", "CPU time of one", milliseconds, best_round=True),
    Row("J11 threads", "Threads", plain),
    Row("J11 peak", "Peak memory", mebibytes),
    Row("J11 silent", "Port with nothing behind it"),
)
_RECOVERY = (
    Row("J11 lost answer", "One answer lost"),
    Row("J11 601A 04", "The meter ends the session (601A 04)"),
    Row("J11 601A 03", "The place in the network is lost (601A 03)"),
    Row("J11 6028 02", "A re-authentication fails (6028 02)"),
    Row("J11 6019", "The dongle resets by itself (6019)"),
    Row("J11 meter reboot", "Meter without power for 45 s"),
    Row("J11 unplug", "Dongle out of its socket for 45 s"),
)


def section(figures: Figures, goals: tuple[Goal, ...]) -> str:
    """Return the whole section."""
    asked = {goal.row: goal for goal in goals}
    programs = ("ours", "broute-j11")
    return "\n".join(
        (
            TITLE,
            _TEXT,
            table(figures, _ROWS, asked, programs),
            _MORE,
            table(figures, _RECOVERY, asked, programs),
        )
    )
