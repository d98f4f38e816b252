"""Requests of the host: found in its bytes, checked, and one at a time (V12 p10, p35-36).

What stands before a unique code is dropped silently, and so is what does not belong to a
frame. A gap of one second inside a frame ends it with result 13. Which code the responses with
F1, F2, F3 and 13 carry is not documented; here that of the request, or 2FFF before it came.
"""

import asyncio
from typing import Protocol

from .frames import FROM_HOST, HEADER, LONGEST, RESPONSE, SHORTEST, total
from .numbers import DAMAGED, DATA_SUM, GAP, HEADER_SUM, RESET, SET_UP, TOO_LONG, TOO_SHORT

_GAP = 1.0
#: Requests that two clients send with zeros for both sums; their author reports that it works,
#: against the manual.
_UNCHECKED = (RESET, SET_UP)
#: Where command code and header sum are complete.
_CODE_END, _SUM_END = 6, 10


class Machine(Protocol):
    """What executes the requests."""

    def reject(self, code: int, result: int) -> None:
        """Answer a request that could not be read, with a response of this code."""

    def request(self, code: int, data: bytes) -> None:
        """Take a request that was read."""


class Interpreter:
    """Turns the bytes of the host into requests."""

    def __init__(self, machine: Machine) -> None:
        """Prepare; nothing was received."""
        self._machine = machine
        self._input = bytearray()
        self._gap: asyncio.TimerHandle | None = None

    def receive(self, data: bytes) -> None:
        """Take bytes of the host."""
        self._end_gap()
        self._input += data
        while self._take():
            pass
        if len(self._input) >= len(FROM_HOST):
            self._gap = asyncio.get_running_loop().call_later(_GAP, self._break_off)

    def reset(self) -> None:
        """Lose what was received."""
        self._end_gap()
        self._input.clear()

    def _end_gap(self) -> None:
        if self._gap is not None:
            self._gap.cancel()
            self._gap = None

    def _break_off(self) -> None:
        self._gap = None
        known = len(self._input) >= _CODE_END
        code = int.from_bytes(self._input[4:6]) | RESPONSE if known else DAMAGED
        self._input.clear()
        self._machine.reject(code, GAP)

    def _take(self) -> bool:
        """Take one request, good or bad; return whether there may be another."""
        at = self._input.find(FROM_HOST)
        if at < 0:
            del self._input[: -len(FROM_HOST) + 1]
            return False
        del self._input[:at]
        if len(self._input) < _SUM_END:
            return False
        code, length = int.from_bytes(self._input[4:6]), int.from_bytes(self._input[6:8])
        unchecked = code in _UNCHECKED and self._input[8:10] == b"\0\0"
        if not unchecked and total(self._input[:8]) != int.from_bytes(self._input[8:10]):
            return self._reject(DAMAGED, HEADER_SUM)
        if length < SHORTEST:
            return self._reject(code | RESPONSE, TOO_SHORT)
        if length > LONGEST:
            return self._reject(code | RESPONSE, TOO_LONG)
        return self._take_whole(code, 8 + length, unchecked=unchecked)

    def _take_whole(self, code: int, size: int, *, unchecked: bool) -> bool:
        if len(self._input) < size:
            return False
        data = bytes(self._input[HEADER:size])
        expected = int.from_bytes(self._input[10:12])
        del self._input[:size]
        if total(data) == expected or (unchecked and expected == 0):
            self._machine.request(code, data)
        else:
            self._machine.reject(code | RESPONSE, DATA_SUM)
        return True

    def _reject(self, code: int, result: int) -> bool:
        del self._input[: len(FROM_HOST)]
        self._machine.reject(code, result)
        return True
