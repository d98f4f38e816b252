"""Those who want to hear some kind of news."""

from collections.abc import Callable
from contextlib import suppress
import logging

_LOGGER = logging.getLogger(__name__)


class Listeners[T]:
    """Callbacks that are told the same news."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._callbacks: list[Callable[[T], None]] = []

    def add(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Tell this one, too; return how to stop that."""
        self._callbacks.append(callback)

        def stop() -> None:
            with suppress(ValueError):  # stopped before
                self._callbacks.remove(callback)

        return stop

    def tell(self, news: T) -> None:
        """Tell all; one that fails must not stop the bytes that are still to be read."""
        for callback in tuple(self._callbacks):
            try:
                callback(news)
            except Exception:
                _LOGGER.exception("A listener failed")
