"""Faults that can be injected at any moment, while programs use the dongle.

All of them take effect at once. Nothing here waits, and nothing draws from the random streams that
the ordinary delays come from: a household with faults is the same household.
"""

import asyncio
from pathlib import Path
from typing import Literal

from .config import EmulatorConfig
from .defects import Cure, Defects
from .device import Device
from .pace import Pace
from .radio_environment import Pan, RadioEnvironment
from .rates import Chance, Rates
from .renewal import Renewal
from .usb import Usb

#: Seconds that a defect may take at most, each time.
_A_DAY = 86_400.0
#: The longest duration of a scan that any dongle knows (J11: V12 p59).
_LONGEST_SCAN = 14


class Faults:
    """Faults of every kind of dongle. Those of a session do nothing while there is none.

    The EVENTs are those of SKSTACK. On J11 a session ends with 601A 04, or 601A 03 instead of
    EVENT 28; a failed renewal is 6028 02, a reset or power-up 6019; the transmission limit shows in
    transmission results only. What only J11 has is in :mod:`.j11.faults`.
    """

    def __init__(
        self,
        config: EmulatorConfig,
        air: RadioEnvironment,
        dongle: Device,
        plug: Usb,
        chance: Chance,
    ) -> None:
        """Prepare; everything is healthy."""
        self._in_range = config.in_range
        self._shortest_scan = config.shortest_scan
        self._air = air
        self._dongle = dongle
        self._session = dongle.session
        self._usb = plug
        self._pace: Pace = dongle.pace
        self._booting: asyncio.Task[None] | None = None
        self._added: list[Pan] = []
        self.rates: Rates = chance.rates
        self._defects: Defects = dongle.defects

    # --- The session ----------------------------------------------------------------------

    def end_session(self) -> None:
        """The meter ends the session: EVENT 26, then EVENT 27. Both ends forget the keys."""
        self._session.end_by_meter()

    def terminate(self, event: Literal[27, 28] = 27) -> None:
        """The session ends with EVENT 27 or, as after a timeout, EVENT 28."""
        self._session.end_by_event(0x27 if event == 27 else 0x28)  # noqa: PLR2004 - EVENT 27

    def expire_session(self, renewal: Renewal = "module") -> None:
        """The lifetime is over: EVENT 29, and both ends forget the keys.

        Then the dongle joins by itself and succeeds ("module": EVENT 25 after 2 to 5 s), or it
        fails ("fails": EVENT 24 after about 40 s), or it does not even try ("none").
        """
        self._session.expire(renewal)

    def reauthenticate(self) -> None:
        """The dongle renews the session: PANA packets, then EVENT 25 after 2 to 5 s."""
        self._session.renew()

    def fail_renewal(self) -> None:
        """A renewal fails, and the session is gone: EVENT 24."""
        self._session.fail()

    # --- The air --------------------------------------------------------------------------

    def limit_transmission(self) -> None:
        """The regulatory transmission time is used up: EVENT 32, and nothing is sent."""
        if self._usb.plugged:
            self._dongle.limit(on=True)

    def release_transmission(self) -> None:
        """EVENT 33: the limit is over."""
        self._dongle.limit(on=False)

    def add_neighbour(self, pair_id: str | None = None, lqi: int | None = None) -> Pan:
        """Add a second PAN; also with the pair ID of our meter."""
        pan = self._air.add_neighbour(pair_id, lqi)
        self._added.append(pan)
        return pan

    def add_trap(self, lqi: int | None = None) -> Pan:
        """Add a PAN that answers to the pair ID of our meter and refuses the dongle."""
        return self.add_neighbour(self._air.pan.pair_id, lqi)

    def remove_neighbour(self, pan: Pan) -> None:
        """Remove such a PAN again."""
        if pan in self._added:
            self._added.remove(pan)
            self._air.neighbours.remove(pan)

    # --- The meter ------------------------------------------------------------------------

    def reboot_meter(self, seconds: float = 60.0) -> None:
        """The meter is away for ``seconds`` of the running loop, and has lost the session.

        After that it acknowledges datagrams (EVENT 21 00) and answers none until a new join.
        """
        self.boot_meter()
        self._air.powered = self._air.session = False
        self._booting = self._pace.start(self._boot_after(seconds))

    async def _boot_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._booting = None
        self.boot_meter()

    def boot_meter(self) -> None:
        """End a reboot now."""
        self._air.powered = True
        if self._booting is not None:
            self._booting.cancel()
            self._booting = None

    def move_meter(self, channel: int | None = None, pan_id: int | None = None) -> Pan:
        """The meter starts again on another channel, with another PAN ID; the session is gone."""
        return self._air.move(channel, pan_id)

    def deafen_meter(self, shortest_scan: int) -> None:
        """The meter does not answer scans of a shorter duration any more, until that is cleared."""
        if shortest_scan not in range(_LONGEST_SCAN + 1):
            raise ValueError("the duration of a scan is a number from 0 to 14")
        self._air.deafen(shortest_scan)

    def lose_meter(self) -> None:
        """The meter is out of range: nothing is received from it."""
        self._air.in_range = False

    def return_meter(self) -> None:
        """The meter is in range again; it has kept the session."""
        self._air.in_range = True

    # --- The dongle -----------------------------------------------------------------------

    def reset_dongle(self) -> None:
        """The dongle loses power for a moment, but the port stays open.

        Registers, credentials and session are gone, the echo is on again; some bytes of garbage
        are on the line, and for half a second (at speed 1) it receives nothing.
        """
        if self._usb.plugged:
            self._dongle.power_cycle()

    def mute_dongle(self) -> None:
        """The dongle hangs: it receives nothing and prints nothing, until a power cycle."""
        self._dongle.muted = True

    def unmute_dongle(self) -> None:
        """It works again."""
        self._dongle.muted = False

    @property
    def always_ok(self) -> bool:
        """Whether it answers OK to every command and does nothing."""
        return self._dongle.always_ok

    @always_ok.setter
    def always_ok(self, on: bool) -> None:
        self._dongle.always_ok = on

    def babble(self, lines: int = 1000) -> None:
        """So many meaningless EVENTs or notifications, at once."""
        self._dongle.babble(lines)

    def unplug(self) -> None:
        """Unplug the dongle: it loses all state, and its ports are gone for every host."""
        self._usb.unplug()

    def replug(self, path: str | Path | None = None) -> None:
        """Plug it in; a pseudo-terminal appears behind another path if one is given."""
        self._usb.replug(None if path is None else Path(path))

    # --- Defects --------------------------------------------------------------------------

    def leave_unanswered(self, until: Cure, *, on: bool = True) -> None:
        """Sign-ins succeed and datagrams are acknowledged, but no request is answered.

        That lasts until SKRESET or until the port is opened again, whichever is named.
        """
        _include(self._defects.unanswered_until, until, on=on)

    def deafen(self, until: Cure, *, on: bool = True) -> None:
        """The dongle takes no command until SKRESET, or until the port is opened again."""
        _include(self._defects.deaf_until, until, on=on)

    def deafen_after_opening(self, seconds: float) -> None:
        """After each opening of the port the dongle receives nothing for so long, at speed 1; 0 = never."""
        self._defects.deaf_after_opening = _not_negative(seconds)

    def silence(self, *epcs: int) -> None:
        """A request that names one of these properties is never answered."""
        self._defects.silent_about.update(epcs)

    def unsilence(self, *epcs: int) -> None:
        """It is answered again."""
        self._defects.silent_about.difference_update(epcs)

    def slow_down(self, seconds: float) -> None:
        """The meter serves one request after the other, each for so long at speed 1; 0 = no more.

        What waits for its turn is served even if the session has ended meanwhile.
        """
        self._defects.service_time = _not_negative(seconds)

    def refuse_sign_ins(self, *, on: bool) -> None:
        """The meter breaks off each sign-in after its challenge, as for a wrong password."""
        self._defects.refuses = on

    def repair(self) -> None:
        """End all defects."""
        self._defects.repair()

    # --- Health ---------------------------------------------------------------------------

    @property
    def healthy(self) -> bool:
        """Whether no lasting fault is in force. A new session may still be needed."""
        dongle, air = self._dongle, self._air
        return (
            self.rates.quiet
            and self._defects.none
            and self._dongle.is_healthy
            and self._usb.plugged
            and not (dongle.muted or dongle.always_ok or dongle.limited or self._added)
            and air.powered
            and air.in_range == self._in_range
            and air.pan.shortest_scan == self._shortest_scan
        )

    def heal(self) -> None:
        """End all lasting faults. Lost state stays lost."""
        self.rates.clear()
        self._defects.repair()
        self._dongle.repair()
        self.replug()
        self.unmute_dongle()
        self.always_ok = False
        self.release_transmission()
        for pan in tuple(self._added):
            self.remove_neighbour(pan)
        self.boot_meter()
        self._air.in_range = self._in_range
        self._air.deafen(self._shortest_scan)


def _include(cures: set[Cure], cure: Cure, *, on: bool) -> None:
    if on:
        cures.add(cure)
    else:
        cures.discard(cure)


def _not_negative(seconds: float) -> float:
    if not 0 <= seconds <= _A_DAY:
        raise ValueError("it takes 0 to 86400 seconds")
    return seconds
