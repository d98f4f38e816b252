"""Ports behind which there is no dongle that speaks SKSTACK."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
import tty

#: What a port answers to bytes.
type Answer = Callable[[bytes], bytes]

#: A request of the J11 protocol begins with this, an answer with that, and "which version?"
#: is answered with the frame of capture 20 (BP35C0-J11, firmware 1.3).
_REQUEST = bytes.fromhex("D0EA83FC")
_VERSION_REQUEST = bytes.fromhex("D0EA83FC006B000403A80000")
_VERSION_ANSWER = bytes.fromhex("D0F9EE5D206B000D03AC00A801040001030000158A")


def silent(data: bytes) -> bytes:
    """Answer nothing, as a port with no dongle behind it."""
    del data
    return b""


class J11:
    """Answers the one question that both sides of the J11 protocol begin with."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._heard = b""

    def __call__(self, data: bytes) -> bytes:
        """Take bytes and return the answer; text is no request to it."""
        self._heard += data
        at = self._heard.find(_REQUEST)
        if at < 0:
            self._heard = self._heard[-len(_REQUEST) :]
            return b""
        self._heard = self._heard[at:]
        if not self._heard.startswith(_VERSION_REQUEST):
            return b""
        self._heard = self._heard[len(_VERSION_REQUEST) :]
        return _VERSION_ANSWER


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
