"""The floor: the bytes of a full reading over an asyncio serial port, and nothing else.

``python -m tools.bench.baseline spin PORT`` signs in with the stack, closes it, and then writes the
request and waits for the line with the answer, without decoding it. Whatever a program
in Python uses beyond this is its own cost.
"""

import asyncio
import sys
import time
from typing import override

from tools.emulator.products import link_local

from .lines import EPCS, inputs, say, usage
from .subject_stack import meter_at

# bench.ours has made the stack importable.
from custom_components.wisun_route_b.stack import serial_connector  # isort: skip

#: ECHONET Lite: Get from a controller to a meter, four properties.
_GET = bytes.fromhex("1081 0001 05FF01 028801 62 04") + bytes(
    byte for epc in EPCS for byte in (epc, 0)
)


class _Line(asyncio.Protocol):
    """Notices when an ERXUDP line is complete."""

    def __init__(self) -> None:
        """Start with nothing received."""
        self._received = b""
        self.answered = asyncio.Event()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        if data.endswith(b"\n") and b"ERXUDP" in self._received:
            self._received = b""
            self.answered.set()


async def spin(port: str) -> None:
    """Do what bench.ours does for each line of the input."""
    meter = meter_at(port)
    await meter.connect()
    network = meter.network
    await meter.close()
    if network is None:
        raise RuntimeError("There is no session")
    head = f"SKSENDTO 1 {link_local(network.address)} 0E1A 1 0 {len(_GET):04X} "
    transport, line = await serial_connector(port)(_Line)
    if not isinstance(line, _Line):
        raise TypeError("The connector has made another protocol")
    say(ready=1)
    async for text in inputs():
        count = int(text.split()[0])
        before, began = usage()["cpu"], time.monotonic()
        for _ in range(count):
            line.answered.clear()
            transport.write(head.encode() + _GET)
            await line.answered.wait()
        now = usage()
        spent = now["cpu"] - before
        say(**now | {"cpu": spent}, readings=count, seconds=time.monotonic() - began)
    transport.close()


if __name__ == "__main__":
    asyncio.run(spin(sys.argv[2]))
