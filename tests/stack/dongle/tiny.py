"""A protocol that exists in these tests only: a dongle, and a driver for it behind the seam.

A frame is a letter, the size of its data in two bytes, and the data. The host writes capitals and the
dongle answers each with the small letter; ``#`` begins what the dongle sends by itself. A channel is
its frequency in units of 100 kHz, strength is in dBm, and there is no link quality. It shares
nothing with SKSTACK IP or J11 but the bytes of ECHONET Lite.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import override

from custom_components.wisun_route_b.stack import (
    Connector,
    Credentials,
    DongleIdentity,
    FoundNetwork,
    Network,
    errors,
)
from custom_components.wisun_route_b.stack.dongle.dongle import (
    DatagramReceived,
    Dongle,
    DongleLost,
    EventHandler,
    FractionCallback,
    SessionLost,
    SessionRenewed,
    SessionRenewing,
    TransmitLimit,
    ignore_fraction,
)
from custom_components.wisun_route_b.stack.dongle.port import Port, PortEvent
from custom_components.wisun_route_b.stack.dongle.scan_passes import METER_CHANNELS, ScanPass
from custom_components.wisun_route_b.stack.echonet import ESV, Frame
from custom_components.wisun_route_b.stack.trace.line_log import TraceDirection
from custom_components.wisun_route_b.stack.trace.trace import Trace
from tests.stack.scripted import NETWORK, ROUTE_B_ID, answer_to

DBM = -71
_TIMEOUT = 2.0
_FIRST_UNIT, _UNITS_PER_CHANNEL = 9225, 2


def frame(letter: str, data: bytes = b"") -> bytes:
    return letter.encode() + len(data).to_bytes(2) + data


def frames(buffer: bytearray) -> Iterator[tuple[str, bytes]]:
    """Take every whole frame out of a buffer."""
    while len(buffer) >= 3 and len(buffer) >= (end := 3 + int.from_bytes(buffer[1:3])):
        yield chr(buffer[0]), bytes(buffer[3:end])
        del buffer[:end]


def place(network: Network) -> bytes:
    """Return a network as this protocol writes it."""
    unit = _FIRST_UNIT + _UNITS_PER_CHANNEL * (network.channel - 33)
    return unit.to_bytes(2) + network.pan_id.to_bytes(2) + bytes.fromhex(network.address)


def network_at(data: bytes) -> Network:
    channel = 33 + (int.from_bytes(data[:2]) - _FIRST_UNIT) // _UNITS_PER_CHANNEL
    return Network(channel, int.from_bytes(data[2:4]), data[4:12].hex().upper())


class TinyDongle(asyncio.Transport):
    """The dongle, and the meter of capture 08 behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = ""
        """What the host has asked for, in order."""
        self.joins = True
        """Whether the meter lets anyone in."""
        self.requests: list[Frame] = []
        self._place = b""
        self._buffer = bytearray()
        self._host: asyncio.Protocol | None = None

    def connector(self) -> Connector:
        async def connect(
            factory: Callable[[], asyncio.Protocol],
        ) -> tuple[asyncio.Transport, asyncio.Protocol]:
            host = self._host = factory()
            host.connection_made(self)
            return self, host

        return connect

    @property
    def is_open(self) -> bool:
        return self._host is not None

    def say(self, letter: str, data: bytes = b"") -> None:
        """Have the host receive a frame."""
        if self._host is not None:
            self._host.data_received(frame(letter, data))

    def push(self, notification: Frame) -> None:
        """Have the meter send a notification."""
        self.say("#", b"D" + DBM.to_bytes(1, signed=True) + notification.encode())

    def lose_session(self) -> None:
        self._place = b""
        self.say("#", b"L")

    def unplug(self) -> None:
        """End the connection from this side; the dongle forgets everything."""
        host, self._host, self._place = self._host, None, b""
        assert host is not None
        host.connection_lost(OSError(5, "gone"))

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._buffer += data
        asyncio.get_running_loop().call_soon(self._work)

    @override
    def abort(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            asyncio.get_running_loop().call_soon(host.connection_lost, None)

    def _work(self) -> None:
        for letter, data in frames(self._buffer):
            self.letters += letter
            self.say(letter.lower(), self._answer(letter, data))
            if letter == "D":
                request = Frame.decode(data)
                self.requests.append(request)
                if request.esv is ESV.GET and self._place:
                    self.push(answer_to(request))

    def _answer(self, letter: str, data: bytes) -> bytes:
        match letter:
            case "V":
                return b"0.1"
            case "N":
                return self._place
            case "P" | "X":
                self._place = b""
            case "S":
                neighbour = Network(35, 0x0A0B, "001C6400601499AA")
                ours = place(NETWORK) + DBM.to_bytes(1, signed=True) + ROUTE_B_ID[-8:].encode()
                return place(neighbour) + b"\xe0" + b"99999999" + ours
            case "J":
                self._place = data if self.joins and data == place(NETWORK) else b""
                return b"\x01" if self._place else b"\x00"
            case _:
                pass  # no data
        return b""


class TinyDriver(Dongle):
    """Drives a :class:`TinyDongle`."""

    kind = "tiny"
    channels = METER_CHANNELS

    def __init__(self, on_event: EventHandler, trace: Trace) -> None:
        self.port = Port(self._take)
        self._on_event = on_event
        self._trace = trace
        self._buffer = bytearray()
        self._turn = asyncio.Lock()
        self._answer: asyncio.Future[bytes] | None = None
        self._has_session = self._limited = False
        self._renewed = asyncio.Event()
        self._renewed.set()

    @property
    @override
    def is_renewing(self) -> bool:
        return not self._renewed.is_set()

    @property
    @override
    def transmit_limited(self) -> bool:
        return self._limited

    @property
    @override
    def line_statistics(self) -> dict[str, int]:
        return {"unfinished_bytes": len(self._buffer)}

    @override
    async def version(self) -> str:
        return (await self._ask("V")).decode()

    @override
    async def identify(self) -> DongleIdentity:
        return DongleIdentity("Tiny", await self.version(), None)

    @override
    async def is_on_network(self, network: Network) -> bool:
        return await self._ask("N") == place(network)

    @override
    async def resume(self, network: Network) -> bool:
        self._has_session = await self.is_on_network(network)
        return self._has_session

    @override
    async def prepare(self, credentials: Credentials) -> None:
        self._has_session = False
        await self._ask("P", f"{credentials.route_b_id}{credentials.password}".encode())

    @override
    async def scan(
        self,
        pair_id: str,
        listening: ScanPass,
        on_fraction: FractionCallback = ignore_fraction,
    ) -> tuple[FoundNetwork, ...]:
        on_fraction(0.5)
        await asyncio.sleep(self.scan_seconds(listening))
        data = await self._ask("S")
        rows = (data[at : at + 21] for at in range(0, len(data), 21))
        return tuple(
            FoundNetwork(
                network_at(row),
                int.from_bytes(row[12:13], signed=True),
                ours=row[13:] == pair_id.encode(),
            )
            for row in rows
        )

    @override
    def scan_seconds(self, listening: ScanPass) -> float:
        return 2.0**listening.duration / 10

    @override
    async def join(self, network: Network, *, first_sign: float | None = None) -> None:
        del first_sign  # this dongle decides at once
        if await self._ask("J", place(network)) != b"\x01":
            raise errors.JoinFailedError("The meter did not let us in")
        self._has_session = True

    @override
    async def send(self, payload: bytes) -> None:
        await self._renewed.wait()
        if not self._has_session:
            raise errors.NotConnectedError("There is no session with the meter")
        await self.require_transmission()
        await self._ask("D", payload)

    @override
    async def disconnect(self) -> bool:
        if not self._has_session:
            return False
        self._has_session = False
        await self._ask("X")
        return True

    @override
    async def require_transmission(self) -> None:
        if self._limited:
            raise errors.TransmitLimitError("Nothing may be transmitted now")

    @override
    async def ping(self) -> bool:
        try:
            await self._ask("V")
        except errors.CommandTimeoutError, errors.PortLostError:
            return False
        return True

    @override
    async def close(self) -> None:
        self._fail(errors.PortLostError("The port was closed"))
        await self.port.close()

    async def _ask(self, letter: str, data: bytes = b"") -> bytes:
        async with self._turn:
            self._trace.sent(letter)
            self._answer = asyncio.get_running_loop().create_future()
            self.port.write(frame(letter, data))
            try:
                async with asyncio.timeout(_TIMEOUT):
                    return await self._answer
            except TimeoutError as err:
                raise errors.CommandTimeoutError(f"No answer to {letter}") from err

    def _take(self, event: PortEvent) -> None:
        if isinstance(event, errors.PortLostError):
            self._fail(event)
            self._on_event(DongleLost(event))
            return
        self._buffer += event
        for letter, data in frames(self._buffer):
            self._trace.received(letter)
            if letter == "#":
                self._report(data[:1], data[1:])
            elif self._answer is not None and not self._answer.done():
                self._answer.set_result(data)

    def _report(self, kind: bytes, data: bytes) -> None:
        match kind:
            case b"D":
                self._trace.received(self._trace.frame(TraceDirection.RECEIVED, data[1:]))
                dbm = int.from_bytes(data[:1], signed=True)
                self._on_event(DatagramReceived(data[1:], dbm))
            case b"L":
                self._has_session = False
                self._on_event(SessionLost("the dongle reports it"))
            case b"R":
                self._renewed.clear()
                self._on_event(SessionRenewing())
            case b"U":
                self._renewed.set()
                self._on_event(SessionRenewed())
            case b"T":
                self._limited = data == b"\x01"
                self._on_event(TransmitLimit(self._limited))
            case _:
                raise AssertionError(kind)

    def _fail(self, error: errors.PortLostError) -> None:
        self._renewed.set()
        self._has_session = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
            self._answer.exception()


class TinyDetector:
    """Finds a :class:`TinyDongle` on every port; see ``detect`` for the real one."""

    def __init__(self) -> None:
        self.remembered: list[str | None] = []
        """The kind that each detection was to try first."""

    async def __call__(
        self,
        connector: Connector,
        on_event: EventHandler,
        trace: Trace,
        *,
        timeout_s: float = _TIMEOUT,
        remembered: str | None = None,
        opened: Callable[[], None] | None = None,
    ) -> Dongle:
        self.remembered.append(remembered)
        driver = TinyDriver(on_event, trace)
        await driver.port.open(connector)
        try:
            if opened is not None:
                opened()
            async with asyncio.timeout(timeout_s):
                await driver.version()
        except BaseException:
            await driver.close()
            raise
        return driver
