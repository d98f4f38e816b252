"""The section of docs/benchmarks.md about two integrations in a real Home Assistant."""

from .figures import Figures
from .goals import Goal
from .tables import Row, cell, percent, plain, seconds, table

TITLE = "## Beside the built-in integration, in a real Home Assistant\n"

_TEXT = """\
*Wi-SUN Route B* beside the *Smart Meter B Route* that Home Assistant {version} comes with (`route_b_smart_meter`,
with momonga 0.7.0), each in a `hass` process of its own beside an emulated dongle and meter of its own (`tools/emulator/`:
a BP35C2 at real speed). The same seed gives both the same meter and household, and each fault comes to both at the
same moment. All is seen from outside: the states by Home Assistant's API, four times a second, and the true power by the
emulator's curve. A power counts only if the meter had it after the event that the row begins with. The built-in
integration is unchanged; its dialog offers USB devices only, so the emulated dongle is listed as one. Everything else as
it is after set-up: ours reads every 30 s, the built-in one every 300 s. The clock of all programs is set to 18:00 on a Tuesday in
November, so that every run sees the same evening. All ten instances run side by side on one machine ({machine}), which
makes starts slower than they are alone. Times are medians, with the range in brackets; "more than" is how long was waited in vain,
and "-" was not measured in this run. No real dongle was measured. Written by `scripts/bench --home-assistant`.
"""

_ROWS = (
    Row("HA dialog", "Dialog submitted, to the first power"),
    Row("HA restart", "Home Assistant sets up the integration again, to the first power"),
    Row("HA running", "Home Assistant's whole start with the meter there"),
    Row("HA absent", "Home Assistant's whole start with the meter away"),
    Row("HA back", "The meter is back after such a start, to the first power"),
    Row("HA EVENT 26", "The meter ends the session (EVENT 26), to the next power"),
    Row("HA EVENT 26 age", "Age of the oldest power shown meanwhile"),
    Row(
        "HA off", "Share of ten minutes in which the power shown is off by more than 200 W", percent
    ),
)
_STARTS = """\

With neither set up, Home Assistant's whole start took {alone} here. A power that is off is one that the
meter had some time ago: the ten minutes from {operation} are of an evening with cooking, when the load changes most. Over whole
days it is less: computed from the same curve for seven days, with a power that is read every 30 s and every 300 s and shown until the
next, {share} and {their_share} of the time.
"""
_PRICE = """\

**The price.** An hour of normal operation, extrapolated from five minutes, after a set-up without the import of history. What
ours reads once after its set-up for the peak demand (up to 99 days of the meter's half-hours) has a row of its own:
"""
_PRICES = (
    Row("HA rows", "Rows in the recorder an hour", plain),
    Row("HA datagrams", "Datagrams to the meter an hour", plain),
    Row("HA datagrams, equal", "Datagrams an hour, both reading once a minute", plain),
    Row("HA once", "Datagrams of the set-up, and of what is read once after it", plain),
    Row("HA log", "Lines in the log at the default level", plain),
    Row("HA log, EVENT 26", "Lines in the log after EVENT 26", plain),
)
_MORE = """\

Once a minute is an option of ours (*Poll interval*) and an automation with `homeassistant.update_entity` for the built-in one. The lines
in the log are those of the integration and its library since Home Assistant's start; Home Assistant itself warns once at each start that it has
not tested a custom integration. Reconnections are not in the log: *Link state* shows them (its history when, its attribute `cause` why), and they are counted by
*Reconnects*, *Retries* and *Lost answers* (off by default: enable them on the device page).
"""


_ALONE = Row("HA alone", "Home Assistant's start with neither", seconds)
_DAYS = Row("HA off, days", "Share of whole days", percent)


def section(figures: Figures, goals: tuple[Goal, ...], version: str) -> str:
    """Return the whole section; ``version`` is Home Assistant's."""
    asked = {goal.row: goal for goal in goals}
    programs = ("ours", "built-in")
    starts = _STARTS.format(
        operation=figures.notes.get("HA off", "an unknown time"),
        alone=cell(figures, _ALONE, "ours"),
        share=cell(figures, _DAYS, "ours"),
        their_share=cell(figures, _DAYS, "built-in"),
    )
    return "\n".join(
        (
            TITLE,
            _TEXT.format(version=version, machine=figures.notes.get("machine", "not described")),
            table(figures, _ROWS, asked, programs, limits=False),
            starts,
            _PRICE,
            table(figures, _PRICES, asked, programs, limits=False),
            _MORE,
        )
    )
