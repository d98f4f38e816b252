"""The dongle's command line: bytes in, one command at a time, echo per character.

It executes on CR and ignores LF. SKSENDTO is special: behind its header come exactly as many
raw bytes as it announces, which are not echoed; until they have come all input is data.
"""

import asyncio
import re
from typing import Protocol

from ..pace import Pace

_MARK = re.compile(rb"[\r\n ]")
_SENDTO = b"SKSENDTO "
#: SKSENDTO, handle, address, port, security, (side,) length.
_SINGLE_WORDS = 6
#: Largest datagram in bytes (A1 p16).
_MOST_DATA = 0x4D0
#: Longer lines and more waiting input are an overrun (the sizes are our own choice).
_LONGEST_LINE = 512
_MOST_INPUT = 4096


class Machine(Protocol):
    """What executes the commands."""

    def echoes(self) -> bool:
        """Return whether characters are echoed (register SFE)."""

    def emit(self, data: bytes) -> None:
        """Print something."""

    def overrun(self) -> None:
        """Report that input was lost."""

    async def execute(self, words: list[str], data: bytes | None) -> None:
        """Execute a line; with the data behind the header of a SKSENDTO.

        The data are empty if the header cannot be right, None if there was no whole header.
        """


class Interpreter:
    """Turns the bytes of the host into commands."""

    def __init__(self, machine: Machine, pace: Pace, *, dual: bool) -> None:
        """Prepare; in a dual stack the header of SKSENDTO has one word more, the side."""
        self._machine = machine
        self._pace = pace
        self._dual = dual
        self._input = bytearray()
        self._line = bytearray()
        self._header: list[str] | None = None
        self._wanted = 0
        self._running: asyncio.Task[None] | None = None
        self._deaf = False

    def receive(self, data: bytes) -> None:
        """Take bytes of the host; they wait while a command is being executed."""
        self._input += data
        if len(self._input) > _MOST_INPUT:
            self._input.clear()
            self._machine.overrun()
        self._work()

    def drop_input(self) -> None:
        """Forget what was received behind a broken SKSENDTO: it is data, not commands."""
        self._input.clear()

    def _work(self) -> None:
        while self._input and self._running is None:
            if self._header is not None:
                if len(self._input) < self._wanted:
                    return
                self._take_data(self._header)
            else:
                self._take()

    def _take(self) -> None:
        """Take the characters up to the next one with a meaning, or that one."""
        mark = _MARK.search(self._input)
        end = len(self._input) if mark is None else mark.start()
        # One character more than fits, so that an overrun is reported where it happens.
        text = bytes(self._input[: min(max(end, 1), _LONGEST_LINE + 1 - len(self._line))])
        del self._input[: len(text)]
        if text == b"\r":
            self._end_line()
        elif text != b"\n" and not self._deaf:
            self._type(text)

    def _type(self, text: bytes) -> None:
        self._line += text
        if self._machine.echoes():
            self._machine.emit(text)
        if text == b" " and self._line.startswith(_SENDTO):
            self._check_header()
        if len(self._line) > _LONGEST_LINE:
            self._line.clear()
            self._deaf = True
            self._machine.overrun()

    def _end_line(self) -> None:
        deaf, self._deaf = self._deaf, False
        line = self._line.decode("latin-1")
        self._line.clear()
        if line and not deaf:
            self._end_echo()
            words = line.split()
            if words:
                self._run(words, None)

    def _check_header(self) -> None:
        """Check whether the space that just came is the one in front of the data."""
        words = self._line.decode("latin-1").split()
        bad_side = self._dual and len(words) == _SINGLE_WORDS and words[-1] not in ("0", "1")
        if len(words) < _SINGLE_WORDS + self._dual and not bad_side:
            return
        self._line.clear()
        self._end_echo()
        size = words[-1]
        self._wanted = int(size, 16) if re.fullmatch(r"[0-9A-Fa-f]{4}", size) else 0
        if not bad_side and 0 < self._wanted <= _MOST_DATA:
            self._header = words
        else:
            self._run(words, b"")

    def _take_data(self, header: list[str]) -> None:
        data = bytes(self._input[: self._wanted])
        del self._input[: self._wanted]
        self._header = None
        self._run(header, data)

    def _end_echo(self) -> None:
        if self._machine.echoes():
            self._machine.emit(b"\r\n")

    def reset(self) -> None:
        """Lose everything that was received, in the middle of whatever is being executed."""
        self._input.clear()
        self._line.clear()
        self._header = None
        self._deaf = False
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _run(self, words: list[str], data: bytes | None) -> None:
        self._running = self._pace.start(self._finish(words, data))

    async def _finish(self, words: list[str], data: bytes | None) -> None:
        try:
            await self._machine.execute(words, data)
        finally:
            if self._running is asyncio.current_task():
                self._running = None
        self._work()
