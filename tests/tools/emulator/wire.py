"""A host that talks to the emulator in bytes, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import re
from typing import Any

from tests.tools.emulator.serial_host import SerialHost, emulating
from tests.virtual_clock import now
from tools.emulator import Emulator

#: The placeholders of capture 01.
ROUTE_B_ID = "00112233445566778899AABBCCDDEEFF"
PASSWORD = "0123456789AB"

_SHAPES = (
    (re.compile(rb"FE80(:[0-9A-F]{4}){7}"), b"<ip>"),
    (re.compile(rb"FF02(:[0-9A-F]{4}){7}"), b"<all>"),
    (re.compile(rb"(Channel|Pan ID|LQI|PairID|Addr):[0-9A-F]+"), rb"\1:<hex>"),
    (re.compile(rb"\b[0-9A-F]{16}\b"), b"<mac>"),
    (re.compile(rb"^OK \d\d"), b"OK <option>"),
    (re.compile(rb"^(EINFO \S+ \S+) \S+ \S+"), rb"\1 <channel> <pan>"),
    (re.compile(rb"(SKSREG S[23]) [0-9A-F]+"), rb"\1 <hex>"),
    # Of a PANA packet its length and flags, of an ECHONET Lite frame only what it is.
    (re.compile(rb" 0000(00..)(....)000[12][0-9A-F]{16}[0-9A-F]*"), rb" <pana \1 \2>"),
    (re.compile(rb" 1081....(............)(..)(..)[0-9A-F]*"), rb" <echonet \1 \2 \3>"),
)


def shape(line: bytes) -> bytes:
    """Return a line with everything masked that differs between two houses."""
    for pattern, mask in _SHAPES:
        line = pattern.sub(mask, line)
    return line


class Host(SerialHost):
    """A host that types SKSTACK commands."""

    async def say(self, data: bytes, seconds: float = 1.0) -> bytes:
        """Write, wait, and return what came in that time."""
        self.heard.clear()
        self.transport.write(data)
        await asyncio.sleep(seconds)
        return bytes(self.heard)

    async def ask(self, command: str, seconds: float = 1.0) -> list[bytes]:
        """Send a command line; return the lines that came, with their ends."""
        return (await self.say(command.encode() + b"\r\n", seconds)).splitlines(keepends=True)

    async def until(self, mark: bytes, seconds: float = 120.0) -> bytes:
        """Wait until a line holds ``mark``; return everything up to its end."""
        async with asyncio.timeout(seconds):
            while mark not in self.heard or not self.heard.endswith(b"\n"):
                self._changed.clear()
                await self._changed.wait()
        return bytes(self.heard)


@asynccontextmanager
async def emulated(**choices: Any) -> AsyncIterator[tuple[Emulator, Host]]:
    """An emulator on the virtual clock, and a host at its in-process transport."""
    usual: dict[str, Any] = {
        "route_b_id": ROUTE_B_ID,
        "password": PASSWORD,
        "clock": now,
        "output": "ascii",
        "echo": False,
    }
    async with emulating(Host(), usual | choices) as (emulator, host):
        yield emulator, host


async def sign_in(emulator: Emulator, host: Host, password: str = PASSWORD) -> None:
    """Give the credentials, and channel and PAN of the meter: what a direct join needs."""
    pan = emulator.air.pan
    for command in (
        f"SKSETPWD C {password}",
        f"SKSETRBID {ROUTE_B_ID}",
        f"SKSREG S2 {pan.channel:X}",
        f"SKSREG S3 {pan.pan_id:04X}",
    ):
        assert (await host.ask(command, 0.1))[-1] == b"OK\r\n"


async def join(emulator: Emulator, host: Host) -> None:
    """Join, and wait for the list of instances."""
    await sign_in(emulator, host)
    host.heard.clear()
    host.transport.write(f"SKJOIN {emulator.air.pan.address}\r\n".encode())
    await host.until(b"EVENT 25")
    await asyncio.sleep(5)


def sendto(emulator: Emulator, payload: bytes, *, security: int = 1) -> bytes:
    """Return a SKSENDTO in the dialect of the dongle."""
    side = "0 " if emulator.config.product.dual else ""
    head = f"SKSENDTO 1 {emulator.air.pan.address} 0E1A {security} {side}{len(payload):04X} "
    return head.encode() + payload
