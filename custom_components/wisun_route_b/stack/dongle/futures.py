"""Ends what a task may be waiting for, if it has not ended yet."""

import asyncio


def resolve[T](future: asyncio.Future[T] | None, result: T) -> None:
    """End a wait with a result."""
    if future is not None and not future.done():
        future.set_result(result)


def settle(future: asyncio.Future[None] | None, error: Exception | None) -> None:
    """End a wait with an error, or without one."""
    if error is None:
        resolve(future, None)
    else:
        fail(future, error)


def fail[T](future: asyncio.Future[T] | None, error: Exception) -> None:
    """End a wait with an error; it is not reported to the loop if the caller was cancelled."""
    if future is not None and not future.done():
        future.set_exception(error)
        future.exception()
