"""The dongle: an interpreter with a radio, on a line that any number of hosts may share.

It lives on while no host is there: a session survives the closing of the port.
"""

from collections.abc import Callable
from random import Random

from .air import Air
from .commands import (
    BAD_ARGUMENT,
    OK,
    OVERRUN,
    Commands,
    RefusedError,
    sendto_arguments,
)
from .config import EmulatorConfig
from .interpreter import Interpreter
from .lines import CRLF, Lines, Printer
from .pace import Pace, Span
from .products import link_local
from .radio import Radio
from .registers import Registers

_QUICK: Span = (0.003, 0.012)
#: How often a BP35A1 prints an empty line for SKSENDTO although its echo is off (capture 14:
#: "occasionally").
_STRAY_LINE = 0.25

#: Takes what the dongle prints.
type Host = Callable[[bytes], None]


class Dongle:
    """One dongle, from the bytes of the host to the bytes for the host."""

    def __init__(self, config: EmulatorConfig, air: Air, pace: Pace) -> None:
        """Power on."""
        self._pace = pace
        self._hosts: list[Host] = []
        product = config.product
        random = Random(f"dongle/{config.seed}")
        mac = product.oui + f"{random.getrandbits(64):016X}"[len(product.oui) :]
        self._registers = Registers(product, echo=config.echo)
        self._printer = Printer(Lines(product, mac, link_local(mac)), self.emit)
        self._radio = Radio(config, air, pace, self._registers, self._printer)
        self._commands = Commands(self._printer.lines, self._registers, self._radio)
        self._interpreter = Interpreter(self, pace, dual=product.dual)

    @property
    def flash_writes(self) -> int:
        """How often a command wrote to flash."""
        return self._commands.flash_writes

    def attach(self, host: Host) -> Callable[[], None]:
        """Let a host hear the dongle; return what ends that."""
        self._hosts.append(host)
        return lambda: self._hosts.remove(host)

    def receive(self, data: bytes) -> None:
        """Take bytes of a host."""
        self._interpreter.receive(data)

    def emit(self, data: bytes) -> None:
        """Print something; what nobody hears is lost."""
        for host in tuple(self._hosts):
            host(data)

    # --- What the interpreter needs -------------------------------------------------------

    def echoes(self) -> bool:
        """Tell whether characters are echoed."""
        return self._registers.echo

    def overrun(self) -> None:
        """Report that input was lost."""
        self._fail(OVERRUN)

    async def execute(self, words: list[str], data: bytes | None) -> None:
        """Execute a command line, with the data of a SKSENDTO."""
        try:
            if data is None:
                await self._execute_command(words)
            else:
                await self._send(words, data)
        except RefusedError as err:
            await self._pace.wait(_QUICK)
            self._fail(err.code)

    async def _execute_command(self, words: list[str]) -> None:
        reply = self._commands.execute(words)
        await self._pace.wait(reply.delay)
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
        return name == "bp35a1" and self._pace.random.random() < _STRAY_LINE

    def _fail(self, code: int) -> None:
        self.emit(f"FAIL ER{code:02}\r\n".encode())
