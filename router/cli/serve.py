"""`vipline serve`: run the service. Every setting is an environment variable `VIPLINE_…` and a flag."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
from pydantic import ValidationError

from config.problems import PlanInvalid
from config.settings import Settings
from router.logging_ import set_up
from router.store.channel import ChannelError, ServerError
from router.store.embedded import FolderInUse, ServerFailed
from router.store.server_binary import NoServer
from router.store.wire import Unfit


def _flags(function: Callable[..., None]) -> Callable[..., None]:
    """A flag for each setting; what is not given comes from the environment."""
    for name, field in reversed(Settings.model_fields.items()):
        flag = f"--{name.replace('_', '-')}"
        function = click.option(flag, name, default=None, help=f"{field.description}  [VIPLINE_{name.upper()}]")(
            function
        )
    return function


@click.command("serve")
@_flags
def command(**given: str | None) -> None:
    """Serve the sites of the config folder. Ends on SIGTERM and Ctrl-C; SIGHUP publishes changed plans.

    Exits 2 when the settings, a plan or the kind of server are wrong, 1 when the store or the address cannot be had.
    """
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            name = str(item["loc"][0]) if item["loc"] else "settings"
            click.echo(f"--{name.replace('_', '-')} (VIPLINE_{name.upper()}): {item['msg']}", err=True)
        sys.exit(2)
    set_up(settings.log)
    try:
        sys.exit(_run(_main(settings)))
    except PlanInvalid as invalid:
        click.echo(str(invalid), err=True)
        sys.exit(2)
    except Unfit as unfit:
        click.echo(f"vipline cannot start: {unfit}", err=True)
        sys.exit(2)
    except (ChannelError, ServerError, FolderInUse, ServerFailed, NoServer, OSError, ValueError) as failed:
        click.echo(f"vipline cannot start: {failed}", err=True)
        sys.exit(1)


async def _main(settings: Settings) -> int:
    # Imported only now: the parent of several workers needs neither the API nor its models.
    if settings.workers > 1:
        from router.workers import supervise

        return await supervise(settings)
    from router.posts import Post
    from router.process import serve

    await serve(settings, Post.of_this_process())
    return 0


def _run(main: Coroutine[Any, Any, int]) -> int:
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)
