"""The pseudo-terminal transport: a path that any serial program can open, close and open again."""

import asyncio
from collections.abc import Callable
import contextlib
import os
from pathlib import Path
import pty
import tty

from ..device import Device

_READ_SIZE = 4096


class PtyTransport:
    """A pseudo-terminal behind a symbolic link."""

    def __init__(self, dongle: Device, path: Path, *, plugged: bool = True) -> None:
        """Make the terminal and link ``path`` to it; replaces an older link there."""
        self._dongle = dongle
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._detach: Callable[[], None] | None = None
        if plugged:
            self.replug(None)

    def unplug(self) -> None:
        """Hang up on every host, and remove the link and the terminal."""
        if self._detach is None:
            return
        self._detach()
        self._detach = None
        self._loop.remove_reader(self._master)
        self._close_terminal()
        if self._path.is_symlink() and str(self._path.readlink()) == self._target:
            self._path.unlink()

    def replug(self, path: Path | None) -> None:
        """Make another terminal, behind the same link or behind another one."""
        self.unplug()
        self._path = path or self._path
        # The other end stays open here: the terminal keeps its raw mode and never hangs up
        # while hosts come and go.
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._target = os.ttyname(self._slave)
        try:
            self._link()
        except OSError:
            self._close_terminal()
            raise
        self._loop.add_reader(self._master, self._read)
        self._detach = self._dongle.attach(self._write)

    def close(self) -> None:
        """Remove the link and the terminal."""
        self.unplug()

    def _close_terminal(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    def _link(self) -> None:
        if self._path.is_symlink():
            self._path.unlink()
        self._path.symlink_to(self._target)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            self._dongle.receive(os.read(self._master, _READ_SIZE))

    def _write(self, data: bytes) -> None:
        """Print. As on a serial line, what is not read in time is lost."""
        with contextlib.suppress(BlockingIOError, InterruptedError):
            os.write(self._master, data)
