"""The J11 driver against whatever can come over a line: it returns, or raises its own errors, in time.

Each test plays the life of a link, does something to one moment of it, and then asks for a new session with
a dongle that is healthy again: nothing that was received may stay in the way of that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
import logging
from random import Random
import traceback
from typing import Final, override

import pytest

from custom_components.wisun_route_b import stack
from custom_components.wisun_route_b.stack import Credentials, Redactor, RouteBError, errors
from custom_components.wisun_route_b.stack.dongle.detect import detect
from custom_components.wisun_route_b.stack.dongle.dongle import (
    DatagramReceived,
    Dongle,
    DongleEvent,
    DongleLost,
)
from custom_components.wisun_route_b.stack.dongle.scan_passes import METER_CHANNELS, ScanPass
from custom_components.wisun_route_b.stack.j11 import ResultCode
from custom_components.wisun_route_b.stack.trace.line_log import LineLog
from custom_components.wisun_route_b.stack.trace.trace import Trace
from tests.stack.scripted import METER_MAC, PASSWORD, ROUTE_B_ID
from tests.stack.scripted_j11 import (
    J11_NETWORK,
    MAC,
    METER_IP,
    OTHER_MAC,
    PAN,
    RSSI,
    ScriptedJ11Dongle,
    connection_changed,
    datagram,
    notification,
    pana_result,
    response,
)
from tests.stack.secret_scan import traces
from tests.virtual_clock import run

CREDENTIALS = Credentials(ROUTE_B_ID, PASSWORD)
PASS = ScanPass(METER_CHANNELS, 6)
PAYLOAD = bytes.fromhex("1081000105FF010288016201E700")
#: A payload that no user may ever see.
DOUBT = bytes.fromhex("1081000102880105FF017301E7040001869F")
UNIQUE = bytes.fromhex("D0F9EE5D")
#: Seconds in which any single thing that the driver does has ended, whatever comes.
MAX_S: Final = 150.0
_AUTHENTICATED = 3
_TRANSMIT, _STATUS = 0x0008, 0x0001
#: The key of the session, and a rewrite of the firmware.
_NEVER = {0x0059, 0x00F0}
#: Requests in an undisturbed life.
REQUESTS: Final = 18
#: Random lives of each kind; twenty of each were played once.
_SEEDS: Final = 8

#: What all lives of a test have left in the trace, in the log and in errors.
_WRITTEN: Final = set[str]()

type Mischief = Callable[["Line", int, bytes], None]
"""Gets the line, the code of a request, and what the dongle would say."""


class Line(ScriptedJ11Dongle):
    """A scripted dongle that plays a trick in place of one thing that it says."""

    def __init__(self) -> None:
        super().__init__()
        self.mischief: Mischief | None = None
        self.moment = 0
        """In which request, counted from 1."""
        self.count = 0
        self.plain = 0
        """Datagrams that were sent without a session."""
        self.lies = False
        """Whether the dongle ever reported a wrong state: no host can tell the difference."""
        self._request_code = 0

    @override
    def _request(self, code: int, data: bytes) -> None:
        self.count += 1
        self._request_code = code
        self.plain += code == _TRANSMIT and self.state != _AUTHENTICATED and not self.lies
        super()._request(code, data)

    @override
    def say(self, data: bytes) -> None:
        mischief = self.mischief
        if mischief is None or self.count != self.moment:
            super().say(data)
            return
        self.mischief = None
        self.lies = self._request_code == _STATUS
        mischief(self, self._request_code, data)

    def say_plainly(self, data: bytes) -> None:
        super().say(data)


async def live(driver: Dongle, line: Line, written: set[str]) -> None:
    """Do everything that a link does, whatever becomes of it; collect the errors that it raises."""

    async def wait_for_answer() -> None:
        await asyncio.sleep(2.0)

    steps: tuple[Callable[[], Awaitable[object]], ...] = (
        driver.identify,
        lambda: driver.resume(J11_NETWORK),
        lambda: driver.prepare(CREDENTIALS),
        lambda: driver.scan(ROUTE_B_ID[-8:], PASS),
        lambda: driver.is_on_network(J11_NETWORK),
        lambda: driver.join(J11_NETWORK),
        lambda: driver.send(PAYLOAD),
        wait_for_answer,
        driver.ping,
        driver.disconnect,
    )
    for step in steps:
        async with asyncio.timeout(MAX_S):
            try:
                await step()
            except RouteBError as err:
                written.update(traceback.format_exception(err))
    assert line.plain == 0
    assert _NEVER.isdisjoint(line.codes)


async def played(moment: int, mischief: Mischief | None, *, recovers: bool = True) -> int:
    """Play a life with one trick; return how many requests it had."""
    line, events = Line(), list[DongleEvent]()
    line_log = LineLog()
    trace = Trace(Redactor(ROUTE_B_ID, PASSWORD), line_log)
    driver = await detect(line.connector(), events.append, trace, remembered="j11")
    line.count, line.moment, line.mischief = 0, moment, mischief
    try:
        await live(driver, line, _WRITTEN)
        received = [event.payload for event in events if isinstance(event, DatagramReceived)]
        assert DOUBT not in received
        requests = line.count
        line.mischief = None
        if recovers:
            await driver.prepare(CREDENTIALS)
            await driver.join(J11_NETWORK)
            events.clear()
            await driver.send(PAYLOAD)
            assert any(isinstance(event, DatagramReceived) for event in events)
        else:
            assert sum(isinstance(event, DongleLost) for event in events) == 1
            with pytest.raises(errors.PortLostError):
                await driver.prepare(CREDENTIALS)
    finally:
        await driver.close()
        _WRITTEN.update(f"{entry.direction} {entry.text}" for entry in line_log.lines)
    assert len(asyncio.all_tasks()) == 1, "something still runs after close()"
    return requests


@pytest.fixture(autouse=True)
def no_secret_is_written(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Look through the trace, the log and the errors of all lives of a test."""
    caplog.set_level(logging.DEBUG, stack.__name__)
    _WRITTEN.clear()
    yield
    _WRITTEN.update(record.getMessage() for record in caplog.get_records("call"))
    found = traces(
        "\n".join(_WRITTEN), ids=[ROUTE_B_ID], words=[PASSWORD], macs=[METER_MAC, OTHER_MAC.hex()]
    )
    assert _WRITTEN
    assert not found


def everywhere(mischief: Mischief, *, recovers: bool = True) -> None:
    """Play a trick in each request of a life."""
    for moment in range(1, REQUESTS + 1):
        run(played(moment, mischief, recovers=recovers))


def test_undisturbed_life_has_so_many_requests() -> None:
    """Else the other tests leave some out."""
    assert run(played(0, None)) == REQUESTS


# --- Notifications between a request and its response -------------------------------------------


def _beacons(count: int) -> bytes:
    return notification(0x4051, bytes((0, 12, count)) + (MAC + PAN + RSSI) * count)


NOTIFICATIONS = {
    "6019": notification(0x6019),
    "6019 with data": notification(0x6019, b"\1"),
    **{f"6028 {n:02X}": pana_result(n) for n in (0, 1, 2, 3, 0xFF)},
    "6028 of another": pana_result(2, OTHER_MAC),
    "6028 short": notification(0x6028, b"\1"),
    **{f"601A {n:02X}": connection_changed(n) for n in (0, 1, 2, 3, 4, 0xFF)},
    "601A of another": connection_changed(4, OTHER_MAC),
    "4051 silent": notification(0x4051, b"\x01\x0c"),
    "4051 of 20": _beacons(20),
    "4051 of 21": _beacons(21),
    "4051 of 255 that are missing": notification(0x4051, b"\0\x0c\xff"),
    "4051 channel FF": notification(0x4051, b"\0\xff\x01" + MAC + PAN + RSSI),
    "4051 RSSI 7F": notification(0x4051, b"\0\x0c\x01" + MAC + PAN + b"\x7f"),
    "6018 in plain text": datagram(DOUBT, secured=1),
    "6018 of another": datagram(DOUBT, source=METER_IP[:-1] + b"\0"),
    "6018 of another PAN": datagram(DOUBT, pan=b"\x12\x34"),
    "6018 to another port": datagram(DOUBT, port=b"\x02\xcc"),
    "6018 longer than its size": datagram(DOUBT, size=3),
    "6018 shorter than its size": datagram(DOUBT, size=1232),
    "6018 RSSI 00": datagram(b"", rssi=b"\0"),
    "6018 of the largest size": datagram(bytes(1232)),
    "6018 with a unique code": datagram(UNIQUE * 20),
    "6018 without data": notification(0x6018),
    **{
        f"6038 {n:02X}": notification(0x6038, bytes((n,)) + METER_IP + b"\7\0\0\0\1")
        for n in (1, 64)
    },
    "60D1": notification(0x60D1, b"\0"),
    **{f"{code:04X}": notification(code, b"\1\2\3") for code in (0x6023, 0x6033, 0x60DA, 0x6FFF)},
    "2FFF": notification(0x2FFF, b"\xf0"),
    "FFFF": notification(0xFFFF, b"\3"),
}


@pytest.mark.parametrize("name", NOTIFICATIONS)
def test_notification_before_after_and_instead_of_a_response(name: str) -> None:
    stray = NOTIFICATIONS[name]
    everywhere(lambda line, _, said: line.say_plainly(stray + said))
    everywhere(lambda line, _, said: line.say_plainly(said + stray))
    everywhere(lambda line, _, __: line.say_plainly(stray))


# --- Responses ----------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [*ResultCode, 0x00, 0x05, 0x7F, 0xFF], ids=lambda n: f"{n:02X}")
def test_every_result_of_every_command(result: int) -> None:
    everywhere(_answering(bytes((result,))))


def _answering(data: bytes) -> Mischief:
    return lambda line, code, _: line.say_plainly(response(code, data))


@pytest.mark.parametrize("size", [*range(10), *range(17, 24), 40])
def test_response_of_any_length(size: int) -> None:
    """With right checksums, and with the data that belong there as far as they go."""

    def strike(line: Line, code: int, said: bytes) -> None:
        line.say_plainly(response(code, (b"\1" + said[13:] + bytes(40))[:size]))

    everywhere(strike)


@pytest.mark.parametrize(
    "code", [0x0001, 0x0005, 0x0008, 0x0011, 0x0051, 0x0053, 0x0056, 0x006B, 0x0107]
)
def test_response_to_another_request(code: int) -> None:
    everywhere(lambda line, _, said: line.say_plainly(response(code) + said))
    everywhere(lambda line, _, __: line.say_plainly(response(code)))


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_mutated_response(seed: int) -> None:
    """Bytes are changed, left out, doubled or put in; half of the time the sums are right afterwards."""
    random = Random(f"j11/{seed}")

    def strike(line: Line, code: int, said: bytes) -> None:
        del code
        mutated = _mutated(said, random)
        if random.random() < 0.5 and len(mutated) > 12:
            mutated = notification(int.from_bytes(mutated[4:6]), mutated[12:])
        line.say_plainly(mutated)

    everywhere(strike)


def _mutated(data: bytes, random: Random) -> bytes:
    body = bytearray(data)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(body))
        match random.randrange(4):
            case 0:
                body[at] = random.randrange(256)
            case 1:
                del body[at:]
                body += random.randbytes(1)
            case 2:
                body[at:at] = body[at : at + random.randint(1, 8)]
            case _:
                body[at:at] = random.randbytes(random.randint(1, 5))
    return bytes(body)


# --- Noise --------------------------------------------------------------------------------------


def noise(random: Random, size: int) -> Iterator[bytes]:
    """Yield random bytes with unique codes among them, some with a sound header that promises much."""
    made = 0
    while made < size:
        piece = random.randbytes(random.randint(0, 40)) + UNIQUE[: random.randint(1, 4)]
        if random.random() < 0.3:
            head = UNIQUE + random.choice((0x6018, 0x2001, 0x4051)).to_bytes(2)
            head += random.randint(0, 1500).to_bytes(2)
            piece += head + (sum(head) % 0x10000).to_bytes(2)
        made += len(piece)
        yield piece


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_noise_with_unique_codes_around_a_response(seed: int) -> None:
    random = Random(f"noise/{seed}")

    def strike(line: Line, _: int, said: bytes) -> None:
        for piece in noise(random, random.randint(1, 300)):
            line.say_plainly(piece)
        line.say_plainly(said)
        for piece in noise(random, random.randint(0, 100)):
            line.say_plainly(piece)

    everywhere(strike)


@pytest.mark.parametrize("moment", [1, 8, REQUESTS - 3])
def test_megabyte_of_noise_at_once_closes_the_port(moment: int) -> None:
    """That is no dongle: whoever uses the link opens the port again."""

    def strike(line: Line, _: int, said: bytes) -> None:
        for piece in noise(Random("megabyte"), 1_000_000):
            line.say_plainly(piece)
        line.say_plainly(said)

    run(played(moment, strike, recovers=False))


# --- The port -----------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0], ids=["before", "inside", "behind"])
def test_port_lost_at_a_response(share: float) -> None:
    def strike(line: Line, _: int, said: bytes) -> None:
        line.say_plainly(said[: int(len(said) * share)])
        line.unplug()

    everywhere(strike, recovers=False)


@pytest.mark.parametrize("stray", ["6019", "6028 02", "601A 03", "6018 longer than its size"])
def test_port_lost_behind_a_notification(stray: str) -> None:
    def strike(line: Line, _: int, said: bytes) -> None:
        line.say_plainly(NOTIFICATIONS[stray] + said[:7])
        line.unplug()

    everywhere(strike, recovers=False)
