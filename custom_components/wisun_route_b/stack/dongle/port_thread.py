"""Blocking calls of a port: one thread for each port, however long a call hangs.

Theory of operation. Opening or closing a device can hang in the kernel for as long as a defective
adapter is plugged in, and a thread that hangs there cannot be stopped. So the calls of one port
follow each other: while one has not returned, no other begins, and a port never has more than one
thread. The threads are daemons of our own: the pool of the event loop belongs to other users too,
and the end of the program must not wait for a thread that hangs. A caller that is cancelled gives
its call up; what that returns later is released at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
import threading
from typing import Final

_LOCK: Final = threading.Lock()
#: Name of a port -> the end of its call that has not returned.
_UNFINISHED: Final[dict[str, Future[None]]] = {}
#: Keeps a reference to the tasks that release a result after its caller was cancelled.
_RELEASING: Final[set[asyncio.Task[object]]] = set()


async def call_alone[T](
    port: str, function: Callable[[], T], release: Callable[[T], object] | None = None
) -> T:
    """Call a blocking function of a port once every earlier call of that port has returned.

    Put a timeout around it: it waits without an end. ``release`` gets the result if the caller has
    been cancelled meanwhile, and may block too. Raises what the function raises, and RuntimeError if
    the system has no thread left.
    """
    call = _Call(port, function, release)
    while (before := call.start()) is not None:
        await asyncio.wait((asyncio.wrap_future(before),))
    try:
        return await asyncio.wrap_future(call.result)
    except asyncio.CancelledError:
        if call.give_up() and release is not None:
            # It has returned in this moment.
            releasing = partial(release, call.result.result())
            task = asyncio.create_task(call_alone(port, releasing))
            _RELEASING.add(task)
            task.add_done_callback(_RELEASING.discard)
        raise


class _Call[T]:
    """One call in its thread. Its result belongs to the caller, or to this class once the caller has left."""

    def __init__(
        self, port: str, function: Callable[[], T], release: Callable[[T], object] | None
    ) -> None:
        self.result = Future[T]()
        # A future that runs cannot be cancelled, as its thread cannot.
        self.result.set_running_or_notify_cancel()
        self._end = Future[None]()
        self._end.set_running_or_notify_cancel()
        self._port = port
        self._function = function
        self._release = release
        self._given_up = False

    def start(self) -> Future[None] | None:
        """Start the thread, or return the end of the call that must return before."""
        with _LOCK:
            if (before := _UNFINISHED.get(self._port)) is not None:
                return before
            _UNFINISHED[self._port] = self._end
        try:
            threading.Thread(target=self._run, name="wisun-route-b port", daemon=True).start()
        except RuntimeError:  # the system has no thread left; the port must not wait for this one
            self._finish()
            raise
        return None

    def give_up(self) -> bool:
        """Have a later result released; return True if there is a result already."""
        with _LOCK:
            self._given_up = True
            return self.result.done() and self.result.exception() is None

    def _run(self) -> None:
        try:
            self._deliver(self._function())
        except BaseException as err:  # noqa: BLE001 - whatever it is, the caller gets it
            if not self.result.done():
                self.result.set_exception(err)
        self._finish()

    def _finish(self) -> None:
        with _LOCK:
            del _UNFINISHED[self._port]
        self._end.set_result(None)

    def _deliver(self, result: T) -> None:
        with _LOCK:
            if not self._given_up:
                self.result.set_result(result)
                return
        if self._release is not None:
            self._release(result)
