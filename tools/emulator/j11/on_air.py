"""Commands of J11 that need the radio: scan, join, sign in, send."""

from . import numbers
from .channels import CHANNELS
from .module import Module
from .numbers import SYSTEM_PORTS, RefusedError
from .radio import Radio
from .reply import Reply

_DURATIONS = range(1, 15)
#: Largest UDP payload in bytes (V12 p56).
LARGEST = 0x04D0
_LINK_LOCAL = b"\xfe\x80" + bytes(6)
_ALL_NODES = b"\xff\x02" + bytes(13) + b"\x01"
#: How much of a payload the response to 0008 repeats.
_HEAD = 5
_WITHOUT_PAIR_ID = 6


class OnAir:
    """Executes what the radio does."""

    def __init__(self, module: Module, radio: Radio) -> None:
        """Prepare."""
        self._module = module
        self._radio = radio

    async def scan(self, data: bytes) -> Reply:
        """0051; without pairing ID its eight bytes may be missing (as one client sends it)."""
        duration, mask, flag = data[0], int.from_bytes(data[1:5]), data[5]
        if duration not in _DURATIONS or flag not in (0, 1):
            raise RefusedError(numbers.BAD_VALUE)
        if flag and len(data) == _WITHOUT_PAIR_ID:
            raise RefusedError(numbers.BAD_VALUE)
        _check_mask(mask)
        pair_id = data[6:].decode("latin-1") if flag else None
        await self._radio.scan(duration, mask, pair_id)
        return Reply()

    async def energy_scan(self, data: bytes) -> Reply:
        """00DB."""
        mask = int.from_bytes(data)
        _check_mask(mask)
        levels = await self._radio.energy(mask)
        return Reply(bytes((len(levels) // 2,)) + levels)

    async def start(self, _: bytes) -> Reply:
        """0053."""
        if self._module.han:
            raise RefusedError(numbers.HAN_OPERATING)
        return Reply(await self._radio.join())

    async def start_pana(self, _: bytes) -> Reply:
        """0056; a notification reports the result."""
        session = self._radio.session
        if session.running:
            raise RefusedError(numbers.PANA_RUNNING)
        if self._module.route_b_id is None:
            raise RefusedError(numbers.NO_CREDENTIALS)
        return Reply(then=session.start)

    async def reauthenticate(self, _: bytes) -> Reply:
        """00D2; a notification reports the result."""
        session = self._radio.session
        if session.running:
            raise RefusedError(numbers.PANA_RUNNING)
        return Reply(then=session.reauthenticate)

    async def end_pana(self, _: bytes) -> Reply:
        """0057."""
        await self._radio.session.terminate()
        return Reply()

    async def end(self, _: bytes) -> Reply:
        """0058."""
        self._radio.session.leave()
        return Reply()

    async def transmit(self, data: bytes) -> Reply:
        """0008; in plain text while there are no keys, and no meter answers that."""
        address, payload = data[:16], data[22:]
        source, port, size = (int.from_bytes(data[at : at + 2]) for at in (16, 18, 20))
        if not 1 <= size <= LARGEST or source in SYSTEM_PORTS or port in SYSTEM_PORTS:
            raise RefusedError(numbers.BAD_VALUE)
        if size != len(payload):
            raise RefusedError(numbers.BAD_LENGTH)
        target = _address(address)
        if not self._radio.may_reach(target):
            raise RefusedError(numbers.BAD_DESTINATION)
        result = await self._radio.send(target, port, payload)
        return Reply(bytes((result,)) + payload[:_HEAD])

    async def ping(self, data: bytes) -> Reply:
        """00D1; a notification reports the answer."""
        size, form, echoed = int.from_bytes(data[16:18]), data[18], data[19:]
        if form not in (0, 1, 2) or size > LARGEST or (form == 0 and size != len(echoed)):
            raise RefusedError(numbers.BAD_VALUE)
        target = _address(data[:16])
        if not self._radio.may_reach(target):
            raise RefusedError(numbers.BAD_DESTINATION)
        if self._radio.pinging:
            raise RefusedError(numbers.PING_RUNNING)
        return Reply(then=lambda: self._radio.ping(target, echoed.ljust(size, b"a")))


def _address(address: bytes) -> str:
    if address[:8] != _LINK_LOCAL and address != _ALL_NODES:
        raise RefusedError(numbers.BAD_DESTINATION)
    return address.hex(":", 2).upper()


def _check_mask(mask: int) -> None:
    if not mask or mask >> CHANNELS.stop or mask & ((1 << CHANNELS.start) - 1):
        raise RefusedError(numbers.BAD_VALUE)
