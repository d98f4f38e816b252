"""Registered callbacks for one kind of value."""

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
        """Register a callback; return the function that removes it."""
        self._callbacks.append(callback)

        def stop() -> None:
            with suppress(ValueError):  # removed before
                self._callbacks.remove(callback)

        return stop

    def notify(self, value: T) -> None:
        """Call all; one that fails must not stop the bytes that are still to be read."""
        for callback in tuple(self._callbacks):
            try:
                callback(value)
            except Exception:
                _LOGGER.exception("A callback failed")
