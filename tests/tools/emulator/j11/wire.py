"""A host that talks J11 to the emulator, in virtual time. Frames are made and read here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.tools.emulator.serial_host import SerialHost, emulating
from tests.virtual_clock import now
from tools.emulator import Emulator
from tools.emulator.j11.channels import from_air

ROUTE_B_ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789AB"
REQUEST, RESPONSE = bytes.fromhex("D0EA83FC"), bytes.fromhex("D0F9EE5D")

type Frame = tuple[int, bytes]


def frame(code: int, data: bytes | str = b"", *, unique: bytes = REQUEST) -> bytes:
    body = bytes.fromhex(data) if isinstance(data, str) else data
    head = unique + code.to_bytes(2) + (len(body) + 4).to_bytes(2)
    return head + (sum(head) & 0xFFFF).to_bytes(2) + (sum(body) & 0xFFFF).to_bytes(2) + body


def read(data: bytes) -> list[Frame]:
    """Return the frames of a clean line."""
    frames: list[Frame] = []
    while data:
        assert data[:4] == RESPONSE
        size = 8 + int.from_bytes(data[6:8])
        code, body = int.from_bytes(data[4:6]), data[12:size]
        assert data[:size] == frame(code, body, unique=RESPONSE)
        frames.append((code, body))
        data = data[size:]
    return frames


class Host(SerialHost):
    """A host that sends J11 requests."""

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    async def say(self, data: bytes, seconds: float = 2.0) -> list[Frame]:
        """Write bytes, wait, and return the frames that came in that time."""
        self.heard.clear()
        self.write(data)
        await asyncio.sleep(seconds)
        found = read(bytes(self.heard))
        self.heard.clear()
        return found

    async def ask(self, code: int, data: bytes | str = b"", seconds: float = 8.0) -> bytes:
        """Send a request; return the data of its response, result first. The rest stays."""
        self.write(frame(code, data))
        return await self.until(code | 0x2000, seconds)

    async def until(self, code: int, seconds: float = 60.0) -> bytes:
        """Take the next frame with this code out of what comes; return its data."""
        async with asyncio.timeout(seconds):
            while True:
                for found in read_whole(bytes(self.heard)):
                    if found[0] == code:
                        self._take(found)
                        return found[1]
                self._changed.clear()
                await self._changed.wait()

    def _take(self, found: Frame) -> None:
        data = frame(*found, unique=RESPONSE)
        at = self.heard.index(data)
        del self.heard[at : at + len(data)]


def read_whole(data: bytes) -> list[Frame]:
    """Return the frames that are complete already."""
    size = 0
    while len(data) >= size + 12:
        end = size + 8 + int.from_bytes(data[size + 6 : size + 8])
        if end > len(data):
            break
        size = end
    return read(data[:size])


@asynccontextmanager
async def emulated(**choices: Any) -> AsyncIterator[tuple[Emulator, Host]]:
    """An emulator on the virtual clock, and a host at its in-process transport."""
    usual: dict[str, Any] = {
        "dongle": "rs-wsuha-j11",
        "route_b_id": ROUTE_B_ID,
        "password": PASSWORD,
        "clock": now,
    }
    async with emulating(Host(), usual | choices) as (emulator, host):
        yield emulator, host


def channel(emulator: Emulator) -> int:
    """Return the channel on which the meter is."""
    found = from_air(emulator.air.pan.channel)
    assert found is not None
    return found


def credentials(password: str = PASSWORD) -> bytes:
    return (ROUTE_B_ID + password).encode()


async def set_up(emulator: Emulator, host: Host, password: str = PASSWORD) -> None:
    """Set mode, channel and credentials: Route B is idle."""
    assert await host.ask(0x005F, bytes((5, 0, channel(emulator), 0))) == b"\1"
    assert await host.ask(0x0054, credentials(password)) == b"\1"


async def operate(emulator: Emulator, host: Host, password: str = PASSWORD) -> None:
    """Join the meter and open the port of ECHONET Lite: Route B is operating."""
    await set_up(emulator, host, password)
    assert (await host.ask(0x0053))[0] == 1
    # After 601A 03 it may be open still.
    assert await host.ask(0x0005, "0E1A") in (b"\1", b"\x0a")


async def sign_in(emulator: Emulator, host: Host) -> None:
    """Sign in, and wait for the list of instances: Route B is authenticated."""
    await operate(emulator, host)
    assert await host.ask(0x0056) == b"\1"
    assert (await host.until(0x6028))[0] == 1
    await host.until(0x6018)


def packed(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))


def transmission(emulator: Emulator, payload: bytes, address: str | None = None) -> bytes:
    """Return the data of a 0008 to the meter."""
    target = packed(address or emulator.air.pan.address)
    return target + bytes.fromhex("0E1A0E1A") + len(payload).to_bytes(2) + payload


#: A Get of the power, and how an answer to it begins.
GET_POWER = bytes.fromhex("1081 0007 05FF01 028801 62 01 E700")
POWER = bytes.fromhex("1081 0007 028801 05FF01 72 01 E704")


async def power(emulator: Emulator, host: Host) -> bool:
    """Read the power; return whether it was answered."""
    sent = await host.ask(0x0008, transmission(emulator, GET_POWER))
    if sent != b"\1\0" + GET_POWER[:5]:
        return False
    try:
        received = await host.until(0x6018, 10)
    except TimeoutError:
        return False
    return received[27:].startswith(POWER)
