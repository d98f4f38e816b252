"""The serial line from the dongle to its hosts, and its noise."""

import asyncio
from collections import deque
from collections.abc import Callable

from .pace import Pace, Span
from .rates import Chance

#: Pauses between the pieces of a split line, in seconds; a USB bridge hands over what it has
#: every 1 to 16 ms, a busy host reads later than that (our own choice).
_PAUSE: Span = (0.001, 0.06)
_MOST_PIECES = 5

_NOISE = (1, 24)

#: Takes what the dongle prints.
type Host = Callable[[bytes], None]
#: Cuts what is printed at once into the lines or frames that noise spoils one by one.
type Units = Callable[[bytes], list[bytes]]


class Line:
    """Carries bytes to any number of hosts, in order."""

    def __init__(
        self, chance: Chance, pace: Pace, *, units: Units | None = None, mark: bytes = b""
    ) -> None:
        """Prepare, without listeners. By default SKSTACK is printed.

        Half of the noise ends with ``mark``: that of a protocol may look like its beginning.
        """
        self.hosts: list[Host] = []
        self._units = units or _lines
        self._mark = mark
        self._chance = chance
        self._pace = pace
        self._waiting: deque[bytes] = deque()
        self._due: asyncio.TimerHandle | None = None

    def print(self, data: bytes) -> None:
        """Carry whole lines, or whatever else is printed at once."""
        if self._chance.rates.clean_line and not self._waiting:
            self.carry(data)
            return
        for line in self._units(data):
            if damaged := self._damage(line):
                self._queue(damaged)

    def carry(self, data: bytes) -> None:
        """Hand bytes over as they are; without a host it is lost."""
        for host in tuple(self.hosts):
            host(data)

    def cut(self) -> None:
        """Lose what is under way."""
        self._waiting.clear()
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _damage(self, line: bytes) -> bytes:
        chance, random = self._chance, self._chance.random
        if chance.strikes(chance.rates.garble):
            at = random.randrange(len(line))
            line = line[:at] + bytes((line[at] ^ random.randint(1, 0xFF),)) + line[at + 1 :]
        if chance.strikes(chance.rates.truncate):
            line = line[: random.randrange(len(line))]
        if chance.strikes(chance.rates.noise_inside):
            at = random.randrange(len(line) + 1)
            line = line[:at] + self._noise() + line[at:]
        if chance.strikes(chance.rates.noise_between):
            line = self._noise() + line
        return line

    def _noise(self) -> bytes:
        random = self._chance.random
        noise = random.randbytes(random.randint(*_NOISE))
        return noise + self._mark if random.random() < 0.5 else noise  # noqa: PLR2004 - half

    def _queue(self, line: bytes) -> None:
        pieces = [line]
        if self._chance.strikes(self._chance.rates.split):
            pieces = self._split(line)
        if self._waiting:
            self._waiting.extend(pieces)
            return
        self.carry(pieces[0])
        self._waiting.extend(pieces[1:])
        self._schedule()

    def _split(self, line: bytes) -> list[bytes]:
        random = self._chance.random
        count = min(random.randint(1, _MOST_PIECES - 1), max(len(line) - 1, 0))
        cuts = sorted(random.sample(range(1, len(line)), count)) if count else []
        return [line[begin:end] for begin, end in zip([0, *cuts], [*cuts, None], strict=True)]

    def _schedule(self) -> None:
        if self._waiting:
            pause = self._pace.scaled(self._chance.random.uniform(*_PAUSE))
            self._due = asyncio.get_running_loop().call_later(pause, self._carry_next)

    def _carry_next(self) -> None:
        self._due = None
        self.carry(self._waiting.popleft())
        self._schedule()


def _lines(data: bytes) -> list[bytes]:
    """Return the lines of what is printed at once; a datagram may contain line ends."""
    return [data] if data.startswith(b"ERXUDP ") else data.splitlines(keepends=True)
