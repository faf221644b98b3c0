"""`vipline import`: customers from a file straight into the server, whether or not a service is running."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO

import click
from pydantic import ValidationError

from config.loading import load_site, read_plan
from config.models import SitePlan
from config.problems import PlanInvalid
from config.settings import Settings
from router.directory.customers import Customers
from router.directory.importing import ImportReport, import_customers
from router.directory.planned import check_names
from router.directory.rows import Format
from router.directory.scripts import Scripts
from router.domain.errors import Refused
from router.store.channel import Channel, ChannelError, ServerError
from router.store.connect import Store, open_store
from router.store.embedded import FolderInUse, ServerFailed, socket_path
from router.store.keyspace import Keyspace
from router.store.plans import Plans
from router.store.server_binary import NoServer

_PIECE = 64 * 1024
_ENDINGS: dict[str, Format] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
_FAILURES = (ChannelError, ServerError, Refused, PlanInvalid, FolderInUse, ServerFailed, NoServer, OSError, ValueError)


def _site_name(_: click.Context, __: click.Parameter, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) or name.startswith("."):
        raise click.BadParameter("a site's name is 1 to 64 of A-Z a-z 0-9 _ . -")
    return name


@click.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--site", default="main", show_default=True, callback=_site_name, help="The site the customers belong to."
)
@click.option("--format", "format_", type=click.Choice(["csv", "ndjson"]), help="Left out: by the file's ending.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
@click.option("--redis", help="Where the data are.  [VIPLINE_REDIS]")
@click.option("--data", help="Folder of the embedded server's data.  [VIPLINE_DATA]")
def command(
    file: BinaryIO, site: str, format_: Format | None, as_json: bool, redis: str | None, data: str | None
) -> None:
    """Create or replace customers from FILE: CSV with a header, or one JSON object a line (- reads standard input).

    Exits 0 when every line was taken, 1 when some were bad (the good ones are kept), 2 when the import failed.
    """
    format_ = format_ or _ENDINGS.get(Path(file.name).suffix.lower())
    if format_ is None:
        raise click.UsageError("the file's ending does not say what it is; add --format csv or --format ndjson")
    given = {name: value for name, value in (("redis", redis), ("data", data)) if value is not None}
    report = ImportReport()
    try:
        settings = Settings(**given)  # type: ignore[arg-type]
        asyncio.run(_import(settings, site, file, format_, report))
    except (ValidationError, *_FAILURES) as failed:
        click.echo(f"the import failed: {failed or type(failed).__name__}", err=True)
        if report.done:
            click.echo(f"{report.done:,} lines were taken before; the whole file may be imported again", err=True)
        sys.exit(2)
    click.echo(json.dumps(report.body(), indent=2) if as_json else summary(report))
    sys.exit(1 if report.bad else 0)


async def _import(settings: Settings, site: str, file: BinaryIO, format_: Format, report: ImportReport) -> None:
    store = await _open(settings)
    try:
        channel, keys = store.channel_for(site), Keyspace(site, settings.prefix)
        plan = await _plan(channel, keys, settings.config)
        customers = Customers(Scripts(channel, keys.root), plan.region)
        progress = Progress(_size(file)) if sys.stderr.isatty() else None
        await import_customers(
            _pieces(file),
            format_,
            customers,
            check=lambda seed: check_names(seed, plan),
            progress=progress,
            report=report,
        )
        if progress:
            progress.end()
    finally:
        await store.close()


async def _open(settings: Settings) -> Store:
    """The server of a service that runs on the data folder, if there is one; else what the settings say."""
    path = socket_path(settings.data.absolute())
    if settings.redis == "embedded" and _is_served(path):
        return await open_store(f"unix://{path}")
    return await open_store(settings.redis, data=settings.data)


def _is_served(path: Path) -> bool:
    """Whether somebody listens there: one who was killed leaves the socket behind."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


async def _plan(channel: Channel, keys: Keyspace, config: Path) -> SitePlan:
    """The plan the site goes by, or will when it is served for the first time."""
    published = await Plans(channel, keys.own("plans")).newest()
    if published is not None:
        return read_plan(published.text).site
    folder = config if keys.site == "main" else config / "sites" / keys.site
    if not folder.is_dir():
        raise ValueError(f"there is no site {keys.site}: no plan of it is published, and no folder {folder}")
    return load_site(folder, keys.site).plan.site


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def _size(file: BinaryIO) -> int | None:
    """Bytes, or None when the stream does not know."""
    return Path(file.name).stat().st_size if file.name != "<stdin>" else None


class Progress:
    """One line on the terminal, drawn anew a few times a second."""

    def __init__(self, size: int | None, write: Callable[[str], object] = sys.stderr.write) -> None:
        self._size = size
        self._write = write
        self._next = 0.0

    def __call__(self, report: ImportReport) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 0.2
            self._write(f"\r{progress_line(report, self._size)}\x1b[K")

    def end(self) -> None:
        self._write("\r\x1b[K")


def progress_line(report: ImportReport, size: int | None) -> str:
    """`312,000 customers, 2 bad, 15,900 a second, 31 %, 0:44 to go`."""
    rate = report.done / report.seconds if report.seconds else 0
    line = f"{report.done:,} customers, {report.bad:,} bad, {rate:,.0f} a second"
    if not size or not report.bytes_read:
        return line
    left = round(report.seconds * (size - report.bytes_read) / report.bytes_read)
    return f"{line}, {100 * report.bytes_read // size} %, {left // 60}:{left % 60:02} to go"


def summary(report: ImportReport) -> str:
    """What came of it, and the first bad lines."""
    counts = (
        f"{report.created:,} created, {report.updated:,} updated, {report.unchanged:,} unchanged, {report.bad:,} bad"
    )
    lines = [f"{counts} in {report.seconds:.1f} s"]
    lines += [f"  line {bad.line:,}: {bad.reason}" for bad in report.bad_lines]
    if report.bad > len(report.bad_lines):
        lines.append(f"  and {report.bad - len(report.bad_lines):,} more")
    return "\n".join(lines)
