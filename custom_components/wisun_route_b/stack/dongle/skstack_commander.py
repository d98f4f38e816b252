"""One SKSTACK command in flight: write it, collect its answer, pass everything else on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import CommandFailedError, CommandTimeoutError
from ..skstack import (
    AppVersion,
    Command,
    Datagram,
    Dialect,
    Event,
    Fail,
    Info,
    LinkLocalAddress,
    Message,
    Ok,
    PanDescription,
    Receiver,
    Register,
    ReplyKind,
    Version,
)
from .command_queue import CommandQueue
from .futures import fail
from .port import Port
from .skstack_trace import SkstackTrace

#: Seconds a dongle may take for an answer. Registers answer in 3 to 12 ms; an SKSENDTO is
#: acknowledged when the datagram is on the air, 0.1 to 0.35 s later (captures 01, 06).
COMMAND_TIMEOUT = 3.0
#: Seconds for each try of a command that is tried several times.
_TRY_TIMEOUT = 1.5
#: How often a command is tried that may be sent twice without harm. A burst of noise damages one
#: command or one answer; three failures in a row are not noise.
_TRIES = 3
#: Seconds in which a dongle complains about the rest of a command that noise has damaged.
#: A complaint takes 3 to 12 ms (as other answers), and a USB bridge holds it back for 16 ms.
_SETTLE_S = 0.1
#: Seconds of silence after which a datagram will not go on: at 115200 Bd the longest takes
#: 0.25 s, and a USB bridge holds bytes back for 16 ms.
_STALL_S = 0.5

#: Messages that come only in answer to a command.
_ANSWERS = (Info, Version, AppVersion, Register, LinkLocalAddress)

type Answer = Info | Version | AppVersion | Register | LinkLocalAddress
type Unsolicited = Event | PanDescription | Datagram


@dataclass(slots=True)
class _Exchange:
    """A command that waits for its end."""

    command: Command
    done: asyncio.Future[None]
    answers: list[Answer] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        """Whether the line has come that the command asks for, if it asks for one."""
        kind = self.command.answer
        return kind is None or any(isinstance(answer, kind) for answer in self.answers)


class Commander:
    """Sends commands one by one and dispatches what comes back.

    The timeout of a command counts from its write, not from the wait for its turn.
    """

    def __init__(
        self, port: Port, on_unsolicited: Callable[[Unsolicited], None], trace: SkstackTrace
    ) -> None:
        """Take the port, and what gets the dongle's unsolicited messages."""
        self._port = port
        self._on_unsolicited = on_unsolicited
        self._trace = trace
        self._receiver = Receiver()
        self.dialect = Dialect.DUAL
        """What the last EINFO has shown, or the form of SKSCAN that the dongle has accepted."""
        self._queue = CommandQueue()
        self._exchange: _Exchange | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self.stray_answers = 0
        """Answers that came without a command."""

    @property
    def receiver(self) -> Receiver:
        """The decoder, for its statistics."""
        return self._receiver

    def terminate_partial_line(self, lines: int = 1) -> None:
        """End a partial line; several empty lines also fill up a datagram (SKSENDTO).

        An empty line means nothing to the dongle, and it does not answer to it.
        """
        self._port.write(b"\r\n" * lines)

    async def execute(
        self, command: Command, timeout_s: float = COMMAND_TIMEOUT
    ) -> tuple[Answer, ...]:
        """Send a command and return what it answered before its OK.

        Raises CommandFailedError, CommandTimeoutError or a PortError.
        """
        return await self._queue.run(self._execute(command, timeout_s))

    async def execute_with_retries(
        self, command: Command, timeout_s: float = _TRY_TIMEOUT
    ) -> tuple[Answer, ...]:
        """Send a command that may be sent twice without harm, until it is accepted.

        ``timeout_s`` counts for each of the three tries. Raises what the last one raised; see
        :meth:`execute`.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self.execute(command, timeout_s)
            except CommandFailedError, CommandTimeoutError:
                await self.resynchronize()
        return await self.execute(command, timeout_s)

    async def resynchronize(self) -> None:
        """End a command that the dongle may have half received, and ignore its error."""
        await self._queue.run(self._resynchronize())

    async def _resynchronize(self) -> None:
        self.terminate_partial_line()
        await asyncio.sleep(_SETTLE_S)

    async def _execute(self, command: Command, timeout_s: float) -> tuple[Answer, ...]:
        exchange = _Exchange(command, asyncio.get_running_loop().create_future())
        self._exchange = exchange
        self._trace.sent(command)
        try:
            self._port.write(command.data)
            async with asyncio.timeout(timeout_s):
                await exchange.done
        except TimeoutError as err:
            raise CommandTimeoutError(f"No answer to {command.name}") from err
        finally:
            self._exchange = None
        return tuple(exchange.answers)

    async def drain(self) -> None:
        """Wait until no command runs; the port must be closed, so that they all end."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        await self._queue.drain()

    def fail(self, error: Exception) -> None:
        """Fail the command in flight: its answer will never come."""
        if self._exchange is not None:
            fail(self._exchange.done, error)

    def receive(self, data: bytes) -> None:
        """Take bytes from the port."""
        self._dispatch_all(self._receiver.receive(data))
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self._receiver.holds_back:
            self._stall_timer = asyncio.get_running_loop().call_later(_STALL_S, self._give_up)

    def _give_up(self) -> None:
        """Release what waits for the rest of a datagram that broke off."""
        self._stall_timer = None
        self._dispatch_all(self._receiver.give_up())

    def _dispatch_all(self, messages: list[Message]) -> None:
        for message in messages:
            self._trace.received(message)
            self._dispatch(message)

    def _dispatch(self, message: Message) -> None:
        """Give a message to the command that waits for it, or pass it on as unsolicited."""
        match message:
            case Event() | PanDescription() | Datagram():
                self._on_unsolicited(message)
            case Ok():
                self._finish(ReplyKind.LINE, None)
            case Fail(code):
                self._finish(None, code)
            case Info() | Version() | AppVersion() | Register() | LinkLocalAddress():
                self._collect(message)
            case _:
                pass  # an echo, or a line that the receiver has counted as unknown

    def _collect(self, answer: Answer) -> None:
        exchange = self._exchange
        if exchange is None or exchange.done.done():
            self.stray_answers += 1
            return
        exchange.answers.append(answer)
        if exchange.command.reply is ReplyKind.LINE and isinstance(answer, LinkLocalAddress):
            exchange.done.set_result(None)

    def _finish(self, not_for: ReplyKind | None, code: int | None) -> None:
        exchange = self._exchange
        if exchange is None or exchange.done.done() or exchange.command.reply is not_for:
            self.stray_answers += 1
        elif code is None and not exchange.answered:
            self.stray_answers += 1  # the OK of an earlier command that was given up
        elif code is None:
            exchange.done.set_result(None)
        else:
            exchange.done.set_exception(CommandFailedError(exchange.command.name, code))
