"""The SKSTACK dongle: an interpreter with a radio, on a line that hosts may share."""

from random import Random
from typing import override

from ..config import EmulatorConfig
from ..device import Device
from ..pace import Pace, Span
from ..products import link_local
from ..radio_environment import RadioEnvironment
from ..rates import Chance
from .commands import (
    BAD_ARGUMENT,
    NOT_DONE,
    OK,
    OVERRUN,
    WRONG_COUNT,
    Commands,
    RefusedError,
    sendto_arguments,
)
from .interpreter import Interpreter
from .lines import CRLF, Lines, Printer
from .radio import Radio
from .registers import Registers
from .session import Session
from .transceiver import SkstackTransceiver

_QUICK: Span = (0.003, 0.012)
#: How often a BP35A1 prints an empty line for SKSENDTO although its echo is off (capture 14:
#: "occasionally").
_STRAY_LINE = 0.25
#: What may be refused although it is right.
_REFUSABLE = ("SKSENDTO", "SKJOIN")
#: The number of the EVENT that is meaningless outside a scan.
_BEACON = 0x20


class Dongle(Device):
    """One dongle that speaks SKSTACK IP."""

    reset_command = b"SKRESET"

    def __init__(
        self, config: EmulatorConfig, air: RadioEnvironment, pace: Pace, chance: Chance
    ) -> None:
        """Power on."""
        super().__init__(pace, chance)
        product = config.product
        random = Random(f"dongle/{config.seed}")
        mac = product.oui + f"{random.getrandbits(64):016X}"[len(product.oui) :]
        self._registers = Registers(product, echo=config.echo)
        self._printer = Printer(Lines(product, mac, link_local(mac)), self.emit)
        transceiver = SkstackTransceiver(
            air,
            pace,
            chance,
            self.defects,
            registers=self._registers,
            printer=self._printer,
            binary=config.binary,
        )
        self._radio = Radio(config, transceiver)
        self._commands = Commands(self._printer.lines, self._registers, self._radio, self.defects)
        self._interpreter = Interpreter(self, pace, dual=product.dual)

    @property
    def flash_writes(self) -> int:
        """How often a command wrote to flash."""
        return self._commands.flash_writes

    @property
    def radio(self) -> Radio:
        """The radio, for faults."""
        return self._radio

    @property
    @override
    def session(self) -> Session:
        return self._radio.session

    @property
    @override
    def limited(self) -> bool:
        return self._registers.limited

    @override
    def limit(self, *, on: bool) -> None:
        self._radio.limit(on=on)

    @override
    def babble(self, count: int) -> None:
        for _ in range(count):
            self._printer.event(_BEACON, self._printer.lines.address)

    @override
    def _take(self, data: bytes) -> None:
        self._interpreter.receive(data)

    @override
    def _lose_everything(self) -> None:
        self._interpreter.reset()
        self._radio.reset()
        self._registers.power_on()

    # --- What the interpreter needs -------------------------------------------------------

    def echoes(self) -> bool:
        """Return whether characters are echoed."""
        return self._registers.echo

    def overrun(self) -> None:
        """Report that input was lost."""
        self._fail(OVERRUN)

    async def execute(self, words: list[str], data: bytes | None) -> None:
        """Execute a command line, with the data of a SKSENDTO."""
        if self._chance.strikes(self._chance.rates.lose_command):
            return
        try:
            self._inject_random_fault(words)
            if self.always_ok:
                await self.pace.wait(_QUICK)
                self.emit(OK)
            elif data is None:
                await self._execute_command(words)
            else:
                await self._send(words, data)
        except RefusedError as err:
            await self.pace.wait(_QUICK)
            self._fail(err.code)

    def _inject_random_fault(self, words: list[str]) -> None:
        chance = self._chance
        if chance.strikes(chance.rates.overrun):
            raise RefusedError(OVERRUN)
        if words[0] == "SKSENDTO" and chance.strikes(chance.rates.misread):
            raise RefusedError(WRONG_COUNT)
        if words[0] in _REFUSABLE and chance.strikes(chance.rates.refuse):
            raise RefusedError(NOT_DONE)

    async def _execute_command(self, words: list[str]) -> None:
        reply = self._commands.execute(words)
        await self.pace.wait(reply.delay)
        self.emit(reply.text)
        if reply.then is not None:
            reply.then()

    async def _send(self, words: list[str], payload: bytes) -> None:
        if not payload:
            self._interpreter.drop_input()
            raise RefusedError(BAD_ARGUMENT)
        address, port, security = sendto_arguments(words)
        if not self._registers.echo and self._strays():
            self.emit(CRLF)
        await self._radio.send(address, port, security, payload)
        self.emit(OK)

    def _strays(self) -> bool:
        name = self._printer.lines.product.name
        return name == "bp35a1" and self.pace.random.random() < _STRAY_LINE

    def _fail(self, code: int) -> None:
        self.emit(f"FAIL ER{code:02}\r\n".encode())
