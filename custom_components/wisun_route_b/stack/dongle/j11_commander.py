"""One J11 command in flight: write it, wait for its response, pass everything else on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Final

from ..errors import CommandFailedError, CommandTimeoutError
from ..j11 import FRAME_GAP_S, Command, Message, Receiver, ResultCode, commands
from ..j11.codes import CommandCode
from ..j11.frames import Frame
from ..j11.messages import (
    Answer,
    ConnectionChanged,
    Datagram,
    PanaResult,
    PingResult,
    ReceptionFailed,
    Rejection,
    Response,
    ScanResult,
    StartedUp,
    Transmission,
)
from .command_queue import CommandQueue
from .futures import fail, resolve
from .j11_trace import J11Trace
from .port import Port

#: Results of a request that the dongle has not executed (V12 p35, p188): sending it again is harmless.
_NOT_EXECUTED: Final = frozenset(
    (
        ResultCode.BUSY,
        ResultCode.REQUEST_INCOMPLETE,
        ResultCode.HEADER_DAMAGED,
        ResultCode.DATA_DAMAGED,
    )
)
#: Seconds before such a request is sent again. Together more than the longest datagram takes (7.0 s).
_PAUSES_S: Final = (0.1, 0.2, 0.4, 1.0, 2.0, 4.0)
#: Questions that change nothing and are answered at any time, but while another command runs.
_BARRIERS: Final = (
    commands.version(),
    commands.settings(),
    commands.connections(),
    commands.own_mac(),
    commands.own_ip(),
)
#: How often a command is sent that may be executed twice without harm, if no response comes.
_TRIES: Final = 3

#: Takes the answer to a question; raises if it forbids what was to follow.
type Allow = Callable[[Answer | None], None]
type Unsolicited = Datagram | ScanResult | ConnectionChanged | PanaResult | StartedUp


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A command that waits for its response."""

    command: Command
    done: asyncio.Future[Response | Rejection]

    def is_ended_by(self, response: Response) -> bool:
        """Return whether a response belongs to this command, and not to the same one earlier.

        Only a transmission shows which one it was, by the beginning of its payload, where an ECHONET
        Lite frame has its transaction ID.
        """
        if response.command is not self.command.code:
            return False
        match response.answer:
            case Transmission(head=head):
                return self.command.payload.startswith(head)
            case _:
                return True


class J11Commander:
    """Sends commands one by one and dispatches what comes back."""

    def __init__(
        self, port: Port, on_unsolicited: Callable[[Unsolicited], None], trace: J11Trace
    ) -> None:
        """Take the port, and what gets the dongle's notifications."""
        self._port = port
        self._on_unsolicited = on_unsolicited
        self._trace = trace
        self._receiver = Receiver()
        self._queue = CommandQueue()
        self._exchange: _Exchange | None = None
        self._given_up: set[CommandCode] = set()
        """Commands whose responses may still come, if they are late and not lost."""
        self._started_up: asyncio.Future[None] | None = None
        self._gap_timer: asyncio.TimerHandle | None = None
        self._stray_answers = self._unused = 0

    @property
    def statistics(self) -> dict[str, int]:
        """Counters of what was decoded; ``stray_answers`` came without a command.

        ``unused_notifications`` are of a kind that no sign-in or reading needs.
        """
        return {
            **asdict(self._receiver.statistics),
            "stray_answers": self._stray_answers,
            "unused_notifications": self._unused,
        }

    # --- Sending ---------------------------------------------------------------------------

    async def execute(self, command: Command, timeout_s: float | None = None) -> Response:
        """Send a command and return its response, which is a success or means the same for this command.

        ``timeout_s`` in seconds replaces the command's own. Raises CommandFailedError with the result as
        ``code``, CommandTimeoutError or a PortError.
        """
        return await self._repeat(command, lambda: self._exchange_with(command, timeout_s))

    async def execute_if(
        self, question: Command, timeout_s: float, allow: Allow, command: Command
    ) -> Response:
        """Ask a question, and execute a command if ``allow`` does not raise.

        ``allow`` gets the answer right before the command is written: no other command comes between, and
        before each repetition of the command the question is asked again. It is never the late answer
        to an earlier question. ``timeout_s`` is for the answer, in seconds. Raises what ``allow``
        raises, and what :meth:`execute` does.
        """

        async def ask_first() -> Response | Rejection:
            answer = await self._ask_anew(question, timeout_s)
            if answer.result in _NOT_EXECUTED:
                return answer
            allow(_checked(question, answer).answer)
            return await self._run(command, command.timeout_s)

        return await self._repeat(command, lambda: self._queue.run(ask_first()))

    async def _ask_anew(self, question: Command, timeout_s: float) -> Response | Rejection:
        """Ask a question when no answer to an earlier one can come any more.

        The dongle executes one command after the other: the response to a later one, which cannot be
        mistaken for that of an earlier one, shows that the line has nothing left of before.
        """

        async def attempt() -> Response | Rejection:
            if question.code in self._given_up:
                barriers = [each for each in _BARRIERS if each.code not in self._given_up]
                if not barriers:
                    raise CommandTimeoutError("The dongle does not answer in order")
                answer = await self._run(barriers[0], timeout_s)
                if answer.result != ResultCode.SUCCESS:
                    return answer
            return await self._run(question, timeout_s)

        return await _with_retries(attempt)

    async def _repeat(
        self, command: Command, exchange: Callable[[], Awaitable[Response | Rejection]]
    ) -> Response:
        """Send until the dongle has executed it; at most seven times."""
        answer = await exchange()
        for pause in _PAUSES_S:
            if answer.result not in _NOT_EXECUTED:
                break
            await asyncio.sleep(pause)
            answer = await exchange()
        return _checked(command, answer)

    async def execute_with_retries(
        self, command: Command, timeout_s: float | None = None
    ) -> Response:
        """Do as :meth:`execute`, and send the command again if no response comes."""
        return await _with_retries(lambda: self.execute(command, timeout_s))

    async def responds(self, timeout_s: float) -> bool:
        """Return whether the dongle answers a request at all within ``timeout_s`` seconds."""
        try:
            await _with_retries(lambda: self._exchange_with(commands.version(), timeout_s))
        except CommandTimeoutError:
            return False
        return True

    async def reset(self, timeout_s: float) -> bool:
        """Reset the dongle; False if it has not reported its start within ``timeout_s`` seconds."""
        return await self._queue.run(self._reset(timeout_s))

    async def _reset(self, timeout_s: float) -> bool:
        command = commands.reset()
        self._started_up = asyncio.get_running_loop().create_future()
        self._trace.sent(command)
        try:
            self._port.write(command.data)
            async with asyncio.timeout(timeout_s):
                await self._started_up
        except TimeoutError:
            return False
        finally:
            self._started_up = None
        return True

    async def _exchange_with(
        self, command: Command, timeout_s: float | None
    ) -> Response | Rejection:
        return await self._queue.run(self._run(command, timeout_s or command.timeout_s))

    async def _run(self, command: Command, timeout_s: float) -> Response | Rejection:
        exchange = _Exchange(command, asyncio.get_running_loop().create_future())
        self._exchange = exchange
        self._trace.sent(command)
        try:
            self._port.write(command.data)
            async with asyncio.timeout(timeout_s):
                return await exchange.done
        except CommandTimeoutError:
            raise
        except TimeoutError as err:
            raise CommandTimeoutError(f"No response to {command.summary}") from err
        finally:
            if not exchange.done.done() or exchange.done.cancelled():
                self._given_up.add(command.code)
            self._exchange = None

    async def drain(self) -> None:
        """Wait until no command runs; the port must be closed, so that they all end."""
        if self._gap_timer is not None:
            self._gap_timer.cancel()
        await self._queue.drain()

    def fail(self, error: Exception) -> None:
        """Fail what is in flight: its response will never come."""
        if self._exchange is not None:
            fail(self._exchange.done, error)
        fail(self._started_up, error)

    # --- Receiving -------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the port."""
        self._dispatch_all(self._receiver.receive_frames(data))
        if self._gap_timer is not None:
            self._gap_timer.cancel()
            self._gap_timer = None
        if self._receiver.incomplete:
            loop = asyncio.get_running_loop()
            self._gap_timer = loop.call_later(FRAME_GAP_S, self._give_up)

    def _give_up(self) -> None:
        """Release what waits for the rest of a frame that broke off."""
        self._gap_timer = None
        self._dispatch_all(self._receiver.give_up_frames())

    def _dispatch_all(self, received: list[tuple[Frame, Message]]) -> None:
        for frame, message in received:
            self._trace.received(frame)
            self._dispatch(message)

    def _dispatch(self, message: Message) -> None:
        """Give a message to the command that waits for it, or pass it on as unsolicited."""
        match message:
            case Response() | Rejection():
                self._finish(message)
            case StartedUp():
                self._restarted()
            case Datagram() | ScanResult() | ConnectionChanged() | PanaResult():
                self._on_unsolicited(message)
            case ReceptionFailed() | PingResult():
                self._unused += 1
            case _:
                pass  # the receiver has counted what it does not know

    def _finish(self, answer: Response | Rejection) -> None:
        exchange = self._exchange
        if exchange is None or exchange.done.done():
            self._stray_answers += 1
        elif isinstance(answer, Response) and not exchange.is_ended_by(answer):
            self._stray_answers += 1  # of an earlier command that was given up
        else:
            command = exchange.command
            if command.code not in self._given_up and answer.result == ResultCode.SUCCESS:
                self._given_up.clear()
            exchange.done.set_result(answer)

    def _restarted(self) -> None:
        """Take the notification 6019: whatever was being executed has been forgotten."""
        if self._started_up is not None:
            resolve(self._started_up, None)
            return
        self.fail(CommandTimeoutError("The dongle has restarted"))
        self._on_unsolicited(StartedUp())


async def _with_retries[T](attempt: Callable[[], Awaitable[T]]) -> T:
    """Make up to three attempts until one is not ended by CommandTimeoutError."""
    for _ in range(_TRIES - 1):
        try:
            return await attempt()
        except CommandTimeoutError:
            continue
    return await attempt()


def _checked(command: Command, answer: Response | Rejection) -> Response:
    """Return the response of a command that has its effect; else raise CommandFailedError."""
    if isinstance(answer, Rejection) or not command.is_done(answer.result):
        result = int(answer.result)
        raise CommandFailedError(command.summary, result, f"the result {result:02X}")
    return answer
