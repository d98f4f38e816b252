"""The emulator: a dongle, its radio environment and a meter, with transports for hosts."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Self

from .config import EmulatorConfig
from .control import Control
from .device import Device
from .faults import Faults
from .j11 import J11Dongle
from .j11.faults import J11Faults
from .j11.orders import orders
from .meter.ground_truth import Truth, truth
from .meter.meter import Meter
from .pace import Pace
from .radio_environment import RadioEnvironment
from .rates import Chance
from .skstack.dongle import Dongle
from .transports.control_socket import ControlSocket
from .transports.in_process import Connector, InProcessTransport, no_such_port
from .transports.pty import PtyTransport
from .transports.tcp import TcpTransport
from .transports.truth import open_truth_socket
from .usb import Usb


class Emulator:
    """A software dongle with a meter behind it.

    It works on whatever event loop runs when a host opens a transport, and has no threads. Leave
    it with :meth:`close`, or use it as an asynchronous context manager.
    """

    def __init__(self, config: EmulatorConfig | None = None) -> None:
        """Build the dongle and the meter; nothing runs yet."""
        self.config = config or EmulatorConfig()
        chance = Chance(self.config.seed)
        self._pace = Pace(self.config.seed, self.config.speed)
        self._splits = Random(f"splits/{self.config.seed}")
        self._questions: list[ControlSocket] = []
        self.meter = Meter(self.config.seed, self.config.model)
        self.air = RadioEnvironment(self.config, self.meter)
        kind = Dongle if self.config.j11 is None else J11Dongle
        self.device: Device = kind(self.config, self.air, self._pace, chance)
        self._usb = Usb(self.device)
        self.faults = Faults(self.config, self.air, self.device, self._usb, chance)

    @property
    def dongle(self) -> Dongle:
        """The device as the SKSTACK dongle that it is; TypeError if it is a J11 dongle."""
        if not isinstance(self.device, Dongle):
            raise TypeError("This dongle speaks J11")
        return self.device

    @property
    def j11(self) -> J11Dongle:
        """The device as the J11 dongle that it is; TypeError if it is an SKSTACK dongle."""
        if not isinstance(self.device, J11Dongle):
            raise TypeError("This dongle speaks SKSTACK")
        return self.device

    @property
    def j11_faults(self) -> J11Faults:
        """Faults of J11 dongles only; TypeError if it is an SKSTACK dongle."""
        return J11Faults(self.j11, self.air)

    def connector(self, missing: Callable[[str], Exception] = no_such_port) -> Connector:
        """Return the in-process transport: what opens a port to this dongle, as often as wanted.

        While the dongle is unplugged it raises what ``missing`` returns.
        """
        splits = self._splits if self.config.split_reads else None
        transport = InProcessTransport(self.device, splits, missing, plugged=self._usb.plugged)
        return self._usb.add(transport).connect

    def serve_pty(self, path: str | Path) -> None:
        """Make a pseudo-terminal and link it to ``path``; needs a running loop."""
        _ = self._usb.add(PtyTransport(self.device, Path(path), plugged=self._usb.plugged))

    async def serve_tcp(self, port: int, address: str = "127.0.0.1") -> int:
        """Listen for hosts; return the port, which the system chooses if it is 0."""
        transport = TcpTransport(self.device, port, address, plugged=self._usb.plugged)
        return self._usb.add(transport).port

    async def serve_truth(self, where: str) -> None:
        """Serve the meter's true values, on a loopback port or a Unix socket."""
        self._questions.append(await open_truth_socket(self.truth, where))

    async def serve_control(self, where: str) -> None:
        """Let other programs cause faults, through a loopback port or a Unix socket."""
        more = orders(self.j11_faults) if isinstance(self.device, J11Dongle) else None
        control = Control(self.faults, self.air, more)
        self._questions.append(await ControlSocket.open(control.answer, where))

    def truth(self, moment: datetime | None = None) -> Truth:
        """Return the meter's own values at a moment, by default now."""
        return truth(self.meter, moment or self.config.clock())

    async def close(self) -> None:
        """Close the transports and end everything that is going on."""
        for transport in self._questions:
            transport.close()
        self._questions.clear()
        self._usb.close()
        self.device.close()
        await self._pace.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
