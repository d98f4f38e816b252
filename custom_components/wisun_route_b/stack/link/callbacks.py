"""Callbacks that outsiders have registered for one kind of value."""

from collections.abc import Callable
from contextlib import suppress
import logging

_LOGGER = logging.getLogger(__name__)


class Callbacks[T]:
    """Callbacks that all get the same values."""

    def __init__(self) -> None:
        """Start without any."""
        self._callbacks: list[Callable[[T], None]] = []

    def add(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Call this one, too; return how to stop that."""
        self._callbacks.append(callback)

        def stop() -> None:
            with suppress(ValueError):  # stopped before
                self._callbacks.remove(callback)

        return stop

    def notify(self, value: T) -> None:
        """Call all; one that fails must not stop the bytes that are still to be read."""
        for callback in tuple(self._callbacks):
            try:
                callback(value)
            except Exception:
                _LOGGER.exception("A callback failed")
