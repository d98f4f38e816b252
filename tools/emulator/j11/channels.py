"""Channels of J11 and of SKSTACK: one is n at 922.5 + 0.4 (n - 4) MHz, the other 0.2 MHz apart."""

from ..radio_environment import FIRST_CHANNEL, METER_CHANNELS, Pan

#: 4 to 17 (V12 p28).
CHANNELS = range(4, 4 + len(METER_CHANNELS))
#: The range of the RSSI in dBm (V12 p60).
_WEAKEST, _STRONGEST = -104, -34


def to_air(channel: int) -> int:
    """Return the SKSTACK number of a channel of J11."""
    return METER_CHANNELS[channel - CHANNELS.start]


def from_air(number: int) -> int | None:
    """Return the channel of J11, None for one that it cannot listen on."""
    steps, between = divmod(number - FIRST_CHANNEL, METER_CHANNELS.step)
    channel = CHANNELS.start + steps
    return channel if not between and channel in CHANNELS else None


def rssi(pan: Pan) -> bytes:
    """Return the signal strength of a meter, a signed byte in dBm."""
    dbm = round(0.275 * pan.lqi - 104.27)
    return min(max(dbm, _WEAKEST), _STRONGEST).to_bytes(1, signed=True)
