"""The J11 dongle: requests in, responses and notifications out."""

import asyncio
from random import Random
from typing import override

from ..config import EmulatorConfig
from ..device import Device
from ..pace import Pace, Span
from ..products import J11_PRODUCTS
from ..radio_environment import RadioEnvironment
from ..rates import Chance
from . import numbers
from .commands import Commands
from .frames import FROM_DONGLE, FROM_HOST, RESPONSE, encode, split
from .interpreter import Interpreter
from .module import Module
from .numbers import RefusedError
from .on_air import OnAir
from .one_shot_faults import OneShotFaults
from .radio import Radio
from .session import Session
from .settings import Settings
from .transceiver import J11Transceiver
from .violations import Violations

#: Seconds from a reset or power-up to 6019; not documented, clients allow 5 to 15.
_BOOT: Span = (0.35, 0.45)
#: A response to a question took 26 ms (j11 capture 31).
_QUICK: Span = (0.015, 0.035)
#: Notifications of the HAN side, which do not concern Route B (V12 p38-39).
_HAN_NOTIFICATIONS = (0x6023, 0x6026, 0x6027, 0x6029, 0x6030, 0x6036, 0x6037, 0x6039, 0x60DA)
_MOST_CHATTER = 24
#: What may be refused although it is right.
_REFUSABLE = (numbers.TRANSMIT, numbers.START_PANA)


class J11Dongle(Device):
    """One dongle that speaks J11."""

    reset_command = FROM_HOST + numbers.RESET.to_bytes(2)

    def __init__(
        self, config: EmulatorConfig, air: RadioEnvironment, pace: Pace, chance: Chance
    ) -> None:
        """Power on; it has been up for a long time already."""
        super().__init__(pace, chance, units=split, mark=FROM_DONGLE)
        product = J11_PRODUCTS[config.dongle]
        random = Random(f"dongle/{config.seed}")
        self.mac = product.oui + f"{random.getrandbits(64):016X}"[len(product.oui) :]
        """Its own address, 16 hexadecimal digits."""
        self.module = Module()
        self.one_shot_faults = OneShotFaults()
        self.violations = Violations()
        self.transceiver = J11Transceiver(
            air,
            pace,
            chance,
            self.defects,
            module=self.module,
            one_shot_faults=self.one_shot_faults,
            notify=self.notify,
        )
        self.radio = Radio(config, self.transceiver)
        settings = Settings(product, self.mac, self.module, self.one_shot_faults)
        self._commands = Commands(self.module, settings, OnAir(self.module, self.radio))
        self._interpreter = Interpreter(self)
        self._running: asyncio.Task[None] | None = None
        self._chatter = Random(f"chatter/{config.seed}")

    # --- The device -----------------------------------------------------------------------

    @property
    @override
    def session(self) -> Session:
        return self.radio.session

    @property
    @override
    def limited(self) -> bool:
        return self.module.limited

    @override
    def limit(self, *, on: bool) -> None:
        """Begin or end the limit; J11 has no notification for it."""
        self.module.limited = on

    @property
    @override
    def is_healthy(self) -> bool:
        return self.one_shot_faults.none and not self.module.han

    @override
    def repair(self) -> None:
        self.one_shot_faults.clear()
        self.module.han = False

    @override
    def babble(self, count: int) -> None:
        random = self._chatter
        for _ in range(count):
            data = random.randbytes(random.randrange(_MOST_CHATTER))
            self.notify(random.choice(_HAN_NOTIFICATIONS), data)

    @override
    def _take(self, data: bytes) -> None:
        self._interpreter.receive(data)

    @override
    def _lose_everything(self) -> None:
        self._stop()
        self.module.limited = False

    @override
    def _start_up(self) -> None:
        """Boot, and notify that; what is received meanwhile is lost."""
        self._waking = self.pace.start(self._boot())

    async def _boot(self) -> None:
        await self.pace.wait(_BOOT, self._chatter)
        self._waking = None
        self.notify(numbers.STARTED)

    def restart(self) -> None:
        """Reset, whether the host or the watchdog wants it (V12 p66)."""
        if not self._powered:
            return
        self._stop()
        self.defects.cured_by("reset")
        self._stay_awake()
        self._start_up()

    def _stop(self) -> None:
        self._interpreter.reset()
        if self._running is not None:
            self._running.cancel()
            self._running = None
        self.radio.reset()
        self.module.reset()

    # --- What the interpreter needs -------------------------------------------------------

    def notify(self, code: int, data: bytes = b"") -> None:
        """Print a response or notification."""
        self.emit(self.one_shot_faults.tear(encode(code, data)))

    def reject(self, code: int, result: int) -> None:
        """Answer a request that could not be read."""
        self.notify(code, bytes((result,)))

    def request(self, code: int, data: bytes) -> None:
        """Take a request; while one is being executed only a reset is taken (V12 p35)."""
        self.violations.note(code, self.module)
        if code == numbers.RESET:
            self.restart()
        elif self._running is not None:
            self.reject(code | RESPONSE, numbers.BUSY)
        else:
            self._running = self.pace.start(self._execute(code, data))

    # --- Execution ------------------------------------------------------------------------

    async def _execute(self, code: int, data: bytes) -> None:
        chance = self._chance
        try:
            if not chance.strikes(chance.rates.lose_command):
                await self._answer(code, data)
        finally:
            if self._running is asyncio.current_task():
                self._running = None

    async def _answer(self, code: int, data: bytes) -> None:
        await self.pace.wait(_QUICK)
        if self.always_ok:
            self._end(code, numbers.OK)
        elif self._chance.strikes(self._chance.rates.overrun):
            self._end(numbers.DAMAGED, numbers.HEADER_SUM)
        elif not self._commands.knows(code):
            self._end(numbers.UNHEARD_OF, numbers.UNKNOWN_COMMAND)
        else:
            await self._carry_out(code, data)

    async def _carry_out(self, code: int, data: bytes) -> None:
        try:
            self._inject_random_fault(code)
            reply = await self._commands.execute(code, data)
        except RefusedError as err:
            named = err.result != numbers.HEADER_SUM
            self._end(code if named else numbers.DAMAGED, err.result)
            return
        self._end(code, numbers.OK, reply.data)
        if reply.then is not None:
            reply.then()

    def _inject_random_fault(self, code: int) -> None:
        chance = self._chance
        if (result := self.one_shot_faults.result_for(code)) is not None:
            raise RefusedError(result)
        if code == numbers.TRANSMIT and chance.strikes(chance.rates.misread):
            raise RefusedError(numbers.DATA_SUM)
        if code in _REFUSABLE and chance.strikes(chance.rates.refuse):
            raise RefusedError(numbers.BUSY)

    def _end(self, code: int, result: int, data: bytes = b"") -> None:
        """Print a response; the next request is taken from now on."""
        self._running = None
        self.notify(code | RESPONSE, bytes((result,)) + data)
