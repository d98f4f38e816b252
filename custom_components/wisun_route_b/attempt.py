"""One attempt to sign in at the meter for a dialog: how far it has come, and what it found."""

import asyncio
from collections.abc import Callable, Coroutine
import logging
from typing import Any

from homeassistant.core import HomeAssistant, callback

from .built_in import BuiltInBusyError
from .failures import failure_key
from .progress import overall_fraction, progress_action
from .room import MakeRoom
from .stack import Progress, RouteBError, SmartMeter, Stage

_LOGGER = logging.getLogger(__name__)


class SignInAttempt:
    """Signs in and lets go of the port; the session stays up for the entry to use."""

    def __init__(
        self,
        hass: HomeAssistant,
        meter: SmartMeter,
        on_fraction: Callable[[float], None],
        make_room: MakeRoom,
    ) -> None:
        """Begin at once, with whatever ``make_room`` does to free the port.

        ``on_fraction`` is told how much is done, 0 to 1, never less.
        """
        self._hass = hass
        self._on_fraction = on_fraction
        self._stage, self._fraction = Stage.OPENING, 0.0
        self._phase: asyncio.Task[None] | None = None
        self._phase_over = asyncio.Event()
        self.meter = meter
        self._task = hass.async_create_task(self._connect(make_room), eager_start=False)
        self._task.add_done_callback(lambda _: self._phase_over.set())

    async def _connect(self, make_room: MakeRoom) -> None:
        await self._undisturbed(make_room())
        try:
            await self.meter.connect(self._on_progress)
        finally:
            await self.meter.close()

    async def _undisturbed(self, making_room: Coroutine[Any, Any, None]) -> None:
        """Wait, and even if that is cancelled, until the end: half unloaded is no state to be in."""
        task = self._hass.async_create_task(making_room, eager_start=False)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    @property
    def done(self) -> bool:
        """Whether it is over, and the port free."""
        return self._task.done()

    @property
    def action(self) -> str:
        """The key of the text that tells what is being done."""
        return progress_action(self._stage)

    def failure(self) -> str | None:
        """Return the key of what went wrong, once it is over; None if nothing did."""
        try:
            self._task.result()
        except RouteBError as err:
            _LOGGER.debug("The sign-in failed: %s", err)
            return failure_key(err)
        except BuiltInBusyError:
            return "built_in_busy"
        except Exception:
            _LOGGER.exception("Unexpected error while signing in")
            return "unknown"
        return None

    @callback
    def cancel(self, then: Callable[[], None]) -> None:
        """Stop, and call back when the port is free."""
        self._task.add_done_callback(lambda _: then())
        self._task.cancel()

    @callback
    def phase(self) -> asyncio.Task[None]:
        """Return the task whose end makes Home Assistant show the next progress text.

        One task a phase, and not one for the whole attempt: the end of each is what redraws
        the dialog, exactly once.
        """
        if self._phase is None or self._phase.done():
            over = self._phase_over = asyncio.Event()

            async def until_over() -> None:
                await over.wait()

            self._phase = self._hass.async_create_task(until_over(), eager_start=False)
        return self._phase

    @callback
    def _on_progress(self, progress: Progress) -> None:
        action = self.action
        self._stage = progress.stage
        if self.action != action:
            self._phase_over.set()
        fraction = overall_fraction(progress)
        if fraction > self._fraction:
            self._fraction = fraction
            self._on_fraction(fraction)
