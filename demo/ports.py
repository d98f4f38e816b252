"""Finds a port for Home Assistant's web page."""

import socket
from typing import Final

#: Where Home Assistant usually is, and where a demo is found most easily.
USUAL: Final = 8123


def free_port(wanted: int | None) -> int:
    """Return the port that was wanted, else the usual one, else any that is free.

    Raises:
        OSError: The port that was wanted is taken.
    """
    if wanted:
        return _try(wanted)
    try:
        return _try(USUAL if wanted is None else 0)
    except OSError:
        return _try(0)


def _try(port: int) -> int:
    with socket.socket() as probe:
        # A server that ended a moment ago is no hindrance, one that runs is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        number: int = probe.getsockname()[1]
    return number
