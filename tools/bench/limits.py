"""Lower limits: how long the emulated radio takes by itself, in seconds.

The numbers are the middles of the spans in emulator/skstack/radio.py and scan.py, which come from the
timings of captures 01, 06, 09, 15 and 22.
"""

#: SKSCAN visits a channel for 0.0096 * (2^duration + 1) s (BP35A1 manual, page 20). Meters are on 14
#: channels, and the emulated one does not answer shorter scans than 5.
SCAN = 14 * 0.0096 * (2**5 + 1)
#: Finding the meter's neighbour entry (two steps), then four times: a packet of the meter's
#: takes 0.35 to 0.6 s to come, and our dongle's reply 0.12 to 0.3 s to be on the air.
_PANA = 4 * (0.475 + 0.21)
JOIN = 2 * 0.12 + _PANA
#: 0.12 to 0.34 s for the request on the air, 0.1 to 1.3 s for the answer.
ANSWER = 0.23 + 0.7

#: Row -> seconds that it takes at least, on the average.
LEAST: dict[str, float] = {
    "cold": SCAN + JOIN + ANSWER,
    "warm": JOIN + ANSWER,
    "live": ANSWER,
    "reading": ANSWER,
    "lost answer": ANSWER,
    "EVENT 26": JOIN + ANSWER,
    "EVENT 29, renewed": _PANA + ANSWER,
    "EVENT 29, not renewed": JOIN + ANSWER,
    "meter reboot": JOIN + ANSWER,
    "unplug": JOIN + ANSWER,
    # The same times in emulator/j11/radio.py.
    "J11 live": ANSWER,
    "J11 reading": ANSWER,
    "J11 lost answer": ANSWER,
}
