"""`vipline bench`: what does a transition cost, and does it hold what was asked?"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
import uvloop

from router.bench.report import document, table
from router.bench.run import PARTS, run
from router.store.embedded import ServerFailed
from router.store.server_binary import NoServer


@click.command("bench")
@click.option("--quick", is_flag=True, help="The transitions only, half a minute; nothing is repeated.")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="This part; may be given more than once.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the figures are written.  [default: bench.json in VIPLINE_DATA or var]",
)
def command(quick: bool, only: tuple[str, ...], json_path: Path | None) -> None:
    """Measure every transition in units of a floor script, on an embedded server of its own.

    Takes some minutes; what misses a goal is measured three times. Exits 1, naming the goal, when it is missed by over
    10 % in two of three.
    """
    path = json_path or Path(os.environ.get("VIPLINE_DATA") or "var") / "bench.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        bench = uvloop.run(run(lambda what: click.echo(what, err=True), quick=quick, only=only or PARTS))
        path.write_text(json.dumps(document(bench), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except (NoServer, ServerFailed, OSError) as failed:
        raise click.ClickException(str(failed)) from None
    click.echo(table(bench))
    for name in bench.results.missed():
        click.echo(f"missed: {name}", err=True)
    sys.exit(1 if bench.results.missed() else 0)
