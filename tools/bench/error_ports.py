"""Ports behind which there is no dongle."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
import tty

#: What a port answers to bytes.
type Answer = Callable[[bytes], bytes]


def silent(data: bytes) -> bytes:
    """Answer nothing, as a port with no dongle behind it."""
    del data
    return b""


@contextmanager
def port(answer: Answer) -> Iterator[str]:
    """Yield the path of a serial port whose other end answers so; needs a running loop."""
    loop = asyncio.get_running_loop()
    master, slave = os.openpty()
    tty.setraw(slave)

    def heard() -> None:
        if reply := answer(os.read(master, 4096)):
            os.write(master, reply)

    loop.add_reader(master, heard)
    try:
        yield os.ttyname(slave)
    finally:
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)
