"""The dongle: an interpreter with a radio, on a line that any number of hosts may share.

It lives on while no host is there: a session survives the closing of the port.
"""

import asyncio
from collections.abc import Callable
from random import Random

from .air import Air
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
from .config import EmulatorConfig
from .front_end import FrontEnd
from .interpreter import Interpreter
from .line import Host, Line
from .lines import CRLF, Lines, Printer
from .pace import Pace, Span
from .products import link_local
from .radio import Radio
from .rates import Luck
from .registers import Registers

_QUICK: Span = (0.003, 0.012)
#: How often a BP35A1 prints an empty line for SKSENDTO although its echo is off (capture 14:
#: "occasionally").
_STRAY_LINE = 0.25
#: Seconds that a dongle hears nothing after a power cycle, and how many bytes of garbage its
#: line carries then (our own choice).
_DEAF = 0.5
_GARBAGE = (3, 12)
_RESET = b"SKRESET"
#: What may be refused although it is right.
_REFUSABLE = ("SKSENDTO", "SKJOIN")


class Dongle:
    """One dongle, from the bytes of the host to the bytes for the host."""

    def __init__(self, config: EmulatorConfig, air: Air, pace: Pace, luck: Luck) -> None:
        """Power on."""
        self.pace = pace
        self._luck = luck
        self._line = Line(luck, pace)
        self._hosts = self._line.hosts
        product = config.product
        random = Random(f"dongle/{config.seed}")
        mac = product.oui + f"{random.getrandbits(64):016X}"[len(product.oui) :]
        self._registers = Registers(product, echo=config.echo)
        self._printer = Printer(Lines(product, mac, link_local(mac)), self.emit)
        front = FrontEnd(air, pace, luck, self._registers, self._printer, config.binary)
        self._radio = Radio(config, front)
        self._commands = Commands(self._printer.lines, self._registers, self._radio)
        self._interpreter = Interpreter(self, pace, dual=product.dual)
        self._waking: asyncio.Task[None] | None = None
        self._opened_at = 0.0
        self._heard_last = b""
        self._powered = True
        self.muted = False
        """It hangs: it hears nothing and prints nothing."""
        self.always_ok = False
        """It answers OK to every command and does nothing."""

    @property
    def flash_writes(self) -> int:
        """How often a command wrote to flash."""
        return self._commands.flash_writes

    @property
    def radio(self) -> Radio:
        """The radio, for those who let something happen to it."""
        return self._radio

    @property
    def limited(self) -> bool:
        """Whether nothing may be transmitted (register SFB)."""
        return self._registers.limited

    def attach(self, host: Host) -> Callable[[], None]:
        """Let a host hear the dongle; return what ends that."""
        self._hosts.append(host)
        self._opened_at = asyncio.get_running_loop().time()
        self._radio.defects.cured_by("open")
        return lambda: self._hosts.remove(host)

    def receive(self, data: bytes) -> None:
        """Take bytes of a host."""
        if not self.muted and self._powered and self._waking is None and not self._deaf_to(data):
            self._interpreter.receive(data)

    def _deaf_to(self, data: bytes) -> bool:
        """Tell whether a defect keeps it from hearing this; an SKRESET may be the cure."""
        defects = self._radio.defects
        if defects.deaf_after_opening:
            awake = self._opened_at + self.pace.scaled(defects.deaf_after_opening)
            if asyncio.get_running_loop().time() < awake:
                return True
        self._heard_last = (self._heard_last + data)[-len(_RESET) - len(data) :]
        if _RESET in self._heard_last:
            defects.deaf_until.discard("reset")
        return bool(defects.deaf_until)

    def emit(self, data: bytes) -> None:
        """Print something; what nobody hears is lost."""
        if not self.muted and self._powered:
            self._line.print(data)

    # --- Power ----------------------------------------------------------------------------

    def power_off(self) -> None:
        """Lose everything but flash: registers, credentials, session, and what hung."""
        self._powered = False
        self.muted = False
        self._line.cut()
        self._interpreter.reset()
        self._radio.reset()
        self._radio.defects.cured_by("reset")
        self._radio.defects.cured_by("open")
        self._registers.power_on()
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None

    def power_on(self) -> None:
        """Come back; without a boot text, as far as anybody has seen one."""
        self._powered = True

    def power_cycle(self) -> None:
        """Lose power for a moment behind a serial bridge that does not: the port stays open."""
        self.power_off()
        self.power_on()
        random = self._luck.random
        self._line.carry(random.randbytes(random.randint(*_GARBAGE)))
        self._waking = self.pace.start(self._wake())

    async def _wake(self) -> None:
        await self.pace.hold(_DEAF)
        self._waking = None

    def close(self) -> None:
        """Let nothing be under way any more."""
        self._line.cut()

    # --- What the interpreter needs -------------------------------------------------------

    def echoes(self) -> bool:
        """Tell whether characters are echoed."""
        return self._registers.echo

    def overrun(self) -> None:
        """Report that input was lost."""
        self._fail(OVERRUN)

    async def execute(self, words: list[str], data: bytes | None) -> None:
        """Execute a command line, with the data of a SKSENDTO."""
        if self._luck.strikes(self._luck.rates.lose_command):
            return
        try:
            self._have_bad_luck(words)
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

    def _have_bad_luck(self, words: list[str]) -> None:
        luck = self._luck
        if luck.strikes(luck.rates.overrun):
            raise RefusedError(OVERRUN)
        if words[0] == "SKSENDTO" and luck.strikes(luck.rates.misread):
            raise RefusedError(WRONG_COUNT)
        if words[0] in _REFUSABLE and luck.strikes(luck.rates.refuse):
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
