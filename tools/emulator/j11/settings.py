"""Commands of J11 that need no radio: identity, set-up and UDP ports."""

import re

from ..products import J11Product
from . import numbers
from .channels import CHANNELS
from .module import DUAL, Module, State
from .numbers import SYSTEM_PORTS, RefusedError
from .one_shot_faults import OneShotFaults
from .radio import own_address
from .reply import Reply
from .transceiver import packed

#: Modes of the set-up: PAN coordinator, coordinator, end device, dual.
_MODES = (1, 2, 3, DUAL)
_POWERS = (0, 1, 2)
_MOST_PORTS = 10
#: What the list of connections and terminals says of a meter.
_ROUTE_B, _METER = 1, 7


class Settings:
    """Answers from the memory of the module."""

    def __init__(
        self, product: J11Product, mac: str, module: Module, one_shot_faults: OneShotFaults
    ) -> None:
        """Prepare."""
        self._product = product
        self._mac = mac
        self._module = module
        self._one_shot_faults = one_shot_faults

    # --- Who and how ----------------------------------------------------------------------

    async def version(self, _: bytes) -> Reply:
        """006B."""
        product = self._product
        firmware = self._one_shot_faults.foreign_firmware or product.firmware
        numbers_ = bytes((product.major, product.minor)) + product.revision.to_bytes(4)
        return Reply(firmware.to_bytes(2) + numbers_)

    async def status(self, _: bytes) -> Reply:
        """0001: the states of dongle, Route B and HAN."""
        module = self._module
        started, han = 3 if module.started else 2, 2 if module.han else 1
        return Reply(bytes((started, max(module.state, State.IDLE), han)))

    async def own_ip(self, _: bytes) -> Reply:
        """0009."""
        return Reply(own_address(self._mac))

    async def own_mac(self, _: bytes) -> Reply:
        """000E."""
        return Reply(bytes.fromhex(self._mac))

    async def connections(self, _: bytes) -> Reply:
        """0011: the meter that was joined."""
        pan = self._module.joined
        if pan is None:
            return Reply(b"\0")
        state = 2 if self._module.keys else 1
        place = bytes.fromhex(pan.mac) + pan.pan_id.to_bytes(2)
        return Reply(b"\1\1" + place + bytes((_ROUTE_B, _METER, state)))

    async def terminals(self, _: bytes) -> Reply:
        """0100: the mode, and the meter that was joined."""
        pan, mode = self._module.joined, self._module.mode if self._module.started else 0
        if pan is None:
            return Reply(bytes((mode, 0)))
        state = 2 if self._module.keys else 1
        return Reply(bytes((mode, 1)) + packed(pan.address) + bytes((_METER, state)))

    async def pan_id(self, _: bytes) -> Reply:
        """005E."""
        pan = self._module.joined
        return Reply(b"" if pan is None else pan.pan_id.to_bytes(2))

    async def key(self, _: bytes) -> Reply:
        """0059: a key that opens nothing: nothing is encrypted here."""
        return Reply(bytes(range(16)))

    async def rewrite(self, _: bytes) -> Reply:
        """00F0: nothing is rewritten."""
        return Reply()

    # --- Settings -------------------------------------------------------------------------

    async def set_up(self, data: bytes) -> Reply:
        """005F."""
        mode, sleep, channel, power = data
        fit = mode in _MODES and sleep in (0, 1) and channel in CHANNELS and power in _POWERS
        if not fit:
            raise RefusedError(numbers.BAD_VALUE)
        if self._module.han:
            raise RefusedError(numbers.HAN_OPERATING)
        self._module.settings = data
        self._module.started = True
        return Reply()

    async def settings(self, _: bytes) -> Reply:
        """0107."""
        return Reply(self._module.settings)

    async def set_credentials(self, data: bytes) -> Reply:
        """0054; a to z of the password become A to Z (V12 p34)."""
        route_b_id, password = data[:32].decode("latin-1"), data[32:].decode("latin-1")
        if not re.fullmatch(r"[0-9A-F]{32}", route_b_id):
            raise RefusedError(numbers.BAD_VALUE)
        if not re.fullmatch(r"[0-9A-Za-z]{12}", password):
            raise RefusedError(numbers.BAD_VALUE)
        self._module.route_b_id = route_b_id
        self._module.password = password.upper()
        return Reply()

    async def solicit(self, data: bytes) -> Reply:
        """0101."""
        self._module.solicits = _is_on(data)
        return Reply()

    async def solicits(self, _: bytes) -> Reply:
        """0102."""
        return Reply(bytes((self._module.solicits,)))

    async def flow(self, data: bytes) -> Reply:
        """010A."""
        self._module.flow_control = _is_on(data)
        return Reply()

    async def flow_control(self, _: bytes) -> Reply:
        """010B."""
        return Reply(bytes((self._module.flow_control,)))

    async def open_port(self, data: bytes) -> Reply:
        """0005."""
        port, ports = _port(data), self._module.ports
        if port in ports:
            raise RefusedError(numbers.PORT_OPEN)
        if len(ports) == _MOST_PORTS:
            raise RefusedError(numbers.NO_PORT_LEFT)
        ports.append(port)
        return Reply()

    async def close_port(self, data: bytes) -> Reply:
        """0006."""
        port, ports = _port(data), self._module.ports
        if port not in ports:
            raise RefusedError(numbers.PORT_NOT_OPEN)
        ports.remove(port)
        return Reply()

    async def ports(self, _: bytes) -> Reply:
        """0007."""
        ports = self._module.ports
        return Reply(bytes((len(ports),)) + b"".join(port.to_bytes(2) for port in ports))


def _port(data: bytes) -> int:
    port = int.from_bytes(data)
    if port in SYSTEM_PORTS:
        raise RefusedError(numbers.BAD_VALUE)
    return port


def _is_on(data: bytes) -> bool:
    if data not in (b"\0", b"\1"):
        raise RefusedError(numbers.BAD_VALUE)
    return data == b"\1"
