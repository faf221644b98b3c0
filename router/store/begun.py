"""Two coroutines at once without a task for either: each runs up to its first wait, so that both have sent."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Begun(Generic[T]):
    """A coroutine that has run up to its first wait; to be awaited once, by the task that began it.

    `asyncio.gather` makes a task of each, which costs a hook more than its script.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._error: BaseException | None = None
        try:
            self._wait: Any = coroutine.send(None)
            if isinstance(self._wait, asyncio.Future):
                self._wait.add_done_callback(forgive)  # who began it may fail before awaiting it
        except BaseException as end:
            self._error = end

    def __await__(self) -> Generator[Any, Any, T]:
        while self._error is None:
            wait = self._wait
            try:
                if isinstance(wait, asyncio.Future) and wait.done():
                    wait._asyncio_future_blocking = False  # it need not be waited for
                else:
                    yield wait
            except BaseException as error:
                self._go_on(error)
            else:
                self._go_on()
        if isinstance(self._error, StopIteration):
            result: T = self._error.value
            return result
        raise self._error

    def _go_on(self, error: BaseException | None = None) -> None:
        try:
            self._wait = self._coroutine.throw(error) if error else self._coroutine.send(None)
        except BaseException as end:
            self._error = end


def forgive(sent: asyncio.Future[Any]) -> None:
    """Nobody need wait for it: should it fail, that was heard."""
    if not sent.cancelled():
        sent.exception()
