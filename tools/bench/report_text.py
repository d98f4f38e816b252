"""The words of docs/benchmarks.md that no measurement changes."""

HEAD = """\
# Benchmarks

This stack beside [momonga](https://github.com/nbtk/momonga) 0.7.0, the reference library in this
field, and beside the way in which Home Assistant's own `route_b_smart_meter` (2026.11.0) uses
it. Written by `scripts/bench`; `scripts/bench --short` checks the ratios and runs with the tests.

![Seconds of this stack and of momonga, on a logarithmic scale](images/{picture})

**How it is measured.** Each program runs in a process of its own and reads, over a
pseudo-terminal, the emulated dongle and meter of another process (`tools/emulator/`: a BP35C2 that
prints hexadecimal datagrams, with the delays of captures of real dongles). The same seed gives
the same meter, addresses and delays. *momonga* reads its four properties in one request and has
`reopen_delays` = 10 s, as Home Assistant sets it; *Home Assistant's own* is momonga with that
integration's pauses and its three requests a reading, without exported energy. What only waits
runs side by side; CPU time is taken in turns, with nothing beside it, and the best of ten rounds
counts. Times are medians, with the range in brackets. *limit* is what the emulated radio needs
by itself, on the average (`tools/bench/limits.py`): no program can be faster. No real dongle was
measured, so the seconds are those of the emulator; the ratios are the point.

Machine: {machine}.
"""

STARTS = """\
From the first call into the library to the first full reading: power, currents, energy in both
directions. momonga resets the dongle and scans at each start, so it has no warm start, and a
living session is of no use to it (cells without a range repeat the first row). Of its 41 s, 17.5 s
are one scan and 15 s are fixed sleeps.
"""

STAGES = """\

Where our time goes, stage by stage. The last stage holds the first reading; a meter that has
described itself at an earlier start is not asked for that again:
"""

WEAK_SIGNAL = """\

**The scan.** momonga listens on 28 channels with duration 6, 7 and so on (17.5, 34.7 s). We listen on
the 14 that meters use with 5, 6 and 7 (4.4, 8.7, 17.3 s), then on all 28 with 7. In the captures of
real dongles meters were found with 5, 6 and 7, and 4 found nothing where 5 did; the emulated meter does
not answer 4. If it does not answer 5 either, two scans make this start {ours} against {theirs}: a factor of
{ratio}. It happens once, because the network is remembered.
"""

NO_METER = """\

How long it takes to report that no meter is in range. Where one is remembered, a sign-in is tried first,
and given up after 15 s without a sign of it.
"""

READING = """\
Power, currents, energy in both directions; *Home Assistant's own* reads no exported energy.
Bytes are those of the ECHONET Lite frames, without the headers below them.
"""

FLOOR = """\

The floor of the CPU time: writing the same request to the same asyncio serial port and waiting for
the line, without understanding a byte of it, costs {bare}. A bare interpreter has a peak of
{python}; above that this stack has {ours} and momonga {momonga}. Of ours, {libraries} are asyncio
and the serial library, which Home Assistant has loaded anyway. Our second thread is asyncio's
own pool, in which the port was opened; it sleeps.
"""

SHARES = """\

Where the CPU time of a reading goes (cProfile, which makes small functions look larger than they
are):
"""

VERDICTS = """\
What a setup dialog has to wait for: five seconds of silence, as some dongles start when their port
is opened, and three for a device that speaks.
"""

RECOVERY = """\
From the end of the fault to the next good reading, both programs reading every 30 s, ours also at
once when the link reports that it is up again, as the integration does. Each fault came 4, 12 and
20 s after the third reading, with three different meters. EVENT 26 and 29 end nothing but the
session, so time counts from them. A USB event, which Home Assistant passes on, is not simulated.
"""

CROWD = """\
Each meter is read once a second, 30 times, from one process: tasks of one event loop here, threads
there.
"""

SHORT = """\
Missed, or better in momonga (of J11 dongles: what was missed, beside broute-j11):

{found}

And what these figures cannot show:

- The emulator's delays are drawn from ranges seen in a few captures, evenly. Bad radio has longer
  tails.
- Every emulated meter is a well-behaved one of the first generation; dongles are of one kind for each protocol.
- A recovery is measured three times, a start with nothing known twelve times: enough for the ratios, not for percentiles.
"""
