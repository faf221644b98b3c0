"""Customers in bulk: a stream of CSV or NDJSON into the server, in bounded memory; good lines are kept.

A line replaces the whole customer, so the same file twice changes nothing, and a file cut short may simply be sent
again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from config.people import CustomerSeed
from router.directory.customers import TAKEN, Check, Customers, Outcome
from router.directory.errors import FileTooLarge, InvalidCustomer
from router.directory.lines import Line, LineSplitter
from router.directory.record import with_numbers
from router.directory.rows import Format, Row, reader
from router.store.channel import ConnectionLost, TimedOut

MAX_BYTES = 512 * 1024 * 1024
MAX_REPORTED = 100
_BATCH = 16  # lines read between two looks at the event loop: under 1 ms in which a call has to wait
_IN_FLIGHT = 16
_RETRIES = 20
_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class BadLine:
    """`line` counts from 1, the header included. `reason` names the field, never its value."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """How an import went, or goes. `bad_lines`: the first hundred."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    bad: int = 0
    bytes_read: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        return self.created + self.updated + self.unchanged

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def body(self) -> dict[str, Any]:
        """The API's answer."""
        lines = [{"line": bad.line, "reason": bad.reason} for bad in self.bad_lines]
        counts = {"created": self.created, "updated": self.updated, "unchanged": self.unchanged, "bad": self.bad}
        return {**counts, "bad_lines": lines}


Progress = Callable[[ImportReport], None]


async def import_customers(
    chunks: AsyncIterable[bytes],
    format_: Format,
    customers: Customers,
    *,
    check: Check | None = None,
    progress: Progress | None = None,
    report: ImportReport | None = None,
) -> ImportReport:
    """Take in the whole stream. Raises UnreadableFile for a header that cannot be used, FileTooLarge past 512 MiB.

    `report` may be the caller's own, to be read while the import runs and after it failed.
    """
    run = _Import(customers, format_, check, report or ImportReport(), progress)
    try:
        async for chunk in chunks:
            run.report.bytes_read += len(chunk)
            if run.report.bytes_read > MAX_BYTES:
                raise FileTooLarge
            await run.take(run.splitter.feed(chunk))
        await run.take(run.splitter.finish())
        await run.keep(run.reader.finish())
    finally:
        await run.drain()
    return run.report


class _Import:
    """One import under way: at most a few batches are on their way to the server at any time."""

    def __init__(
        self,
        customers: Customers,
        format_: Format,
        check: Check | None,
        report: ImportReport,
        progress: Progress | None,
    ) -> None:
        self.splitter = LineSplitter()
        self.reader = reader(format_)
        self.report = report
        self._customers = customers
        self._check = check
        self._progress = progress
        self._flying: deque[tuple[list[int], asyncio.Task[list[Outcome]]]] = deque()

    async def take(self, lines: list[Line]) -> None:
        for start in range(0, len(lines), _BATCH):
            await self.keep(self.reader.feed(lines[start : start + _BATCH]))

    async def keep(self, rows: Iterable[Row]) -> None:
        good = [(row.line, seed) for row in rows if (seed := self._good(row)) is not None]
        if good:
            while len(self._flying) >= _IN_FLIGHT:
                await self._land()
            lines, seeds = [line for line, _ in good], [seed for _, seed in good]
            self._flying.append((lines, asyncio.create_task(_put(self._customers, seeds))))
        await asyncio.sleep(0)
        if self._progress:
            self._progress(self.report)

    async def drain(self) -> None:
        while self._flying:
            await self._land()

    async def _land(self) -> None:
        lines, task = self._flying.popleft()
        told = await task
        for line, outcome in zip(lines, told, strict=True):
            if outcome == "taken":
                self._count_bad(line, str(TAKEN))
        outcomes = Counter(told)
        self.report.created += outcomes["created"]
        self.report.updated += outcomes["updated"]
        self.report.unchanged += outcomes["unchanged"]

    def _good(self, row: Row) -> CustomerSeed | None:
        if row.seed is None:
            self._count_bad(row.line, row.wrong)
            return None
        try:
            seed = with_numbers(row.seed, self._customers.region)
            if self._check:
                self._check(seed)
        except InvalidCustomer as refused:
            self._count_bad(row.line, str(refused))
            return None
        return seed

    def _count_bad(self, line: int, reason: str) -> None:
        self.report.bad += 1
        if len(self.report.bad_lines) < MAX_REPORTED:
            self.report.bad_lines.append(BadLine(line, reason))


async def _put(customers: Customers, seeds: list[CustomerSeed]) -> list[Outcome]:
    """A batch may be sent twice, so a server that goes away for some seconds only holds the import up."""
    for _ in range(_RETRIES):
        try:
            return await customers.put_many(seeds)
        except (ConnectionLost, TimedOut):
            await asyncio.sleep(_RETRY_S)
    return await customers.put_many(seeds)
