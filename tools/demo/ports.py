"""Finds a port for Home Assistant's web page."""

import socket
from typing import Final

from .errors import DemoError

#: Where Home Assistant usually is, and where a demo is found most easily.
USUAL: Final = 8123


def choose_port(wanted: int | None) -> int:
    """Return the port that was wanted; for 0 any that is free, for None preferably the usual one.

    Raises:
        DemoError: The port that was wanted is taken.
    """
    for port in (USUAL, 0) if wanted is None else (wanted,):
        if (free := _free(port)) is not None:
            return free
    raise DemoError(f"Port {wanted} cannot be had. Is something else running there?")


def _free(port: int) -> int | None:
    """Return the port, or any for 0, if a server can have it on this machine."""
    with socket.socket() as probe:
        # A server that ended a moment ago is no hindrance, one that runs is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError, OverflowError:
            return None
        number: int = probe.getsockname()[1]
    return number
