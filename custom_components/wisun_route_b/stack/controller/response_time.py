"""How long the meter takes to answer, so that a request is not repeated while it is being served.

A meter serves one request after the other. Where an answer takes longer than the pause between
two sendings, every repetition makes the queue longer, until nothing is answered in time. The
estimate is TCP's (RFC 6298): smoothed time plus four times its mean deviation. Each sending has
a TID of its own, so it is always known to which one an answer belongs.
"""

from typing import Final

#: Seconds after which a request is sent again, at the earliest: answers took 0.1 to 1.3 s
#: (captures 06, 22), and what is not there after 6 s seldom comes (field reports).
RESEND_AFTER: Final = 6.0
#: Longest time in seconds that a sample may claim: what a meter may take for an answer (application
#: interface specification 1.01, 2.4.2, timer 2). A single delayed answer must not count for more.
_LONGEST_SAMPLE_S: Final = 60.0
_GAIN: Final = 1 / 8
_DEVIATION_GAIN: Final = 1 / 4
_DEVIATIONS: Final = 4.0


class ResponseTime:
    """Estimate of one meter's response time, over all connections."""

    def __init__(self) -> None:
        """Start without an estimate."""
        self.answered_at: float | None = None
        """When the last answer came, in seconds of the running loop's clock."""
        self._smoothed: float | None = None
        self._deviation = 0.0

    def note(self, seconds: float, now: float) -> None:
        """Take the time in seconds from a sending to the answer with its TID, which came now."""
        self.answered_at = now
        sample = min(seconds, _LONGEST_SAMPLE_S)
        if self._smoothed is None:
            self._smoothed, self._deviation = sample, sample / 2
            return
        error = sample - self._smoothed
        self._smoothed += _GAIN * error
        self._deviation += _DEVIATION_GAIN * (abs(error) - self._deviation)

    @property
    def resend_after(self) -> float:
        """Seconds to wait for an answer before the request is sent again; at least 6."""
        if self._smoothed is None:
            return RESEND_AFTER
        return max(RESEND_AFTER, self._smoothed + _DEVIATIONS * self._deviation)

    @property
    def needed_s(self) -> float:
        """Seconds that this meter needs for an answer; 0 while that is not known, 60 at most."""
        if self._smoothed is None:
            return 0.0
        return min(_LONGEST_SAMPLE_S, self._smoothed + 2.0 * self._deviation)
