"""Finds a free port for Home Assistant's web page."""

from collections.abc import Iterator
from contextlib import contextmanager
import socket
import sys
from typing import Final

from .errors import DemoError

#: Where Home Assistant usually is, and where a demo is found most easily.
USUAL: Final = 8123


@contextmanager
def chosen_port(wanted: int | None) -> Iterator[int]:
    """Return the port that was wanted; for 0 any that is free, for None preferably the usual one.

    Home Assistant binds it only some seconds later, and again after each restart. Until the end of
    the context the kernel gives the number to no other program that asks for any.

    Raises:
        DemoError: The port that was wanted is taken.
    """
    for port in (USUAL, 0) if wanted is None else (wanted,):
        if (probe := _bound(port)) is not None:
            break
    else:
        raise DemoError(f"Port {wanted} is in use. Is something else running there?")
    with probe:
        number: int = probe.getsockname()[1]
        # Only on Linux can a server listen where another socket of the same kind is bound.
        if sys.platform != "linux":
            probe.close()
        yield number


def _bound(port: int) -> socket.socket | None:
    """Return a socket at a port, or at any for 0, if a server can have it on this machine."""
    probe = socket.socket()
    # A server that ended a moment ago is no hindrance, one that runs is.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError, OverflowError:
        probe.close()
        return None
    return probe
