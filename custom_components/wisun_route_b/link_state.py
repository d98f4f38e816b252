"""What the link is doing, in one word; while there is no link, that word is the reason."""

from typing import Final

from .error_texts import failure_key
from .repairs.weak_signal import WEAK_DBM
from .stack import LinkState, LinkStatus, Signal

#: A weak radio explains why the meter is not understood, or not heard any more.
_WEAK_SIGNAL: Final = "weak_signal"
_OF_WEAK_SIGNAL: Final = ("join_failed", "meter_not_found", "meter_silent")

#: Key of a failure -> the state that it is shown as; None where it says no more than that there is
#: no session. The attribute ``cause`` has the key itself.
REASONS: Final[dict[str, str | None]] = {
    "port_not_found": "no_dongle",
    "port_lost": "no_dongle",
    "port_unreachable": "no_dongle",
    "port_busy": "port_in_use",
    "not_a_serial_port": "port_unusable",
    "port_not_permitted": "port_unusable",
    "port_speaks_telnet": "port_unusable",
    "port_stuck": "port_unusable",
    "other_device": "wrong_device",
    "not_a_wisun_dongle": "wrong_device",
    "dongle_silent": "dongle_silent",
    "dongle_in_han_use": "dongle_failed",
    "firmware_without_route_b": "dongle_failed",
    "dongle_failed": "dongle_failed",
    "meter_not_found": "meter_not_found",
    "join_failed": "sign_in_failed",
    "meter_silent": "meter_silent",
    "credentials_refused": LinkState.REFUSED.value,
    "transmit_limit": LinkState.LIMITED.value,
    "session_lost": None,
    "link_error": None,
}

#: Everything that :func:`link_state` can return; each has a text in both translations.
LINK_STATES: Final = tuple(
    dict.fromkeys(
        (
            *(state.value for state in LinkState),
            *(reason for reason in REASONS.values() if reason is not None),
            _WEAK_SIGNAL,
        )
    )
)


def link_state(status: LinkStatus, signal: Signal | None) -> str:
    """Return what the link is doing, or why it waits; ``signal`` is that of the last message."""
    if status.error is None or status.state not in (LinkState.CONNECTING, LinkState.WAITING):
        return status.state.value
    key = failure_key(status.error)
    if key in _OF_WEAK_SIGNAL and signal is not None and signal.dbm < WEAK_DBM:
        return _WEAK_SIGNAL
    return REASONS[key] or status.state.value
