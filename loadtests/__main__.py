"""`python -m loadtests`: a load with a verdict.

Exits 1 when an invariant broke or too little occurred, 3 when nothing is proven because machine or load was too slow.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click
import uvloop

from loadtests.demo.stages import STAGES
from loadtests.options import Options, read_kinds, read_mix, read_shares
from loadtests.run import run
from loadtests.shapes import SHAPES

DEFAULT = Options()
UNPROVEN = 3


@click.command()
@click.option(
    "--rate", default=DEFAULT.rate, show_default=True, type=click.FloatRange(0.1, 1000), help="callers a second"
)
@click.option("--minutes", default=DEFAULT.minutes, show_default=True, type=click.FloatRange(0.05, 600))
@click.option("--agents", default=0, type=click.IntRange(0, 900), help="left out: a few less than the load would like")
@click.option(
    "--pace", default=DEFAULT.pace, show_default=True, type=click.FloatRange(1, 200), help="seconds in one of ours"
)
@click.option("--shape", default=DEFAULT.shape, show_default=True, type=click.Choice(SHAPES))
@click.option("--mix", help="ways in and their weights  [default: twilio:75,api:25]")
@click.option(
    "--shares",
    help="tiers and their weights  [default: diamond:12,gold:24,silver:10,member:8,standard:28,unknown:18]",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="processes of the service")
@click.option("--kill", help="what is killed meanwhile and comes back: worker, service, master; comma between")
@click.option("--plain", is_flag=True, help="only calls that hold, are connected and end; over Twilio, unless --mix")
@click.option("--tombstone", default=DEFAULT.tombstone_s, show_default=True, help="s an ended call's trace is kept")
@click.option("--seed", default=1, show_default=True)
@click.option("--out", default=DEFAULT.out, show_default=True, help="folder of the reports")
def main(
    rate: float,
    minutes: float,
    agents: int,
    pace: float,
    shape: str,
    mix: str | None,
    shares: str | None,
    workers: int,
    kill: str | None,
    plain: bool,
    tombstone: float,
    seed: int,
    out: str,
) -> None:
    """Callers come at their own pace, agents do what agents do, and the event stream is judged."""
    try:
        ways = read_mix(mix or ("twilio" if plain else "twilio:75,api:25"))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--mix") from None
    try:
        tiers = read_shares(shares) if shares else dict(DEFAULT.shares)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--shares") from None
    try:
        kinds = read_kinds(kill) if kill else []
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--kill") from None
    if "worker" in kinds:
        workers = max(workers, 2)  # one that is alone leaves nobody to answer
    known = {*STAGES, "api"} - {"simulator"}
    if unknown := ways.keys() - known:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(sorted(known))}", param_hint="--mix")
    if plain and "api" in ways:
        raise click.BadParameter("who comes by the API has no telephone here: not with --plain", param_hint="--mix")
    made: dict[str, Any] = {"rate": rate, "minutes": minutes, "agents": agents, "pace": pace, "shape": shape}
    made |= {"workers": workers, "kill": kinds, "plain": plain, "tombstone_s": tombstone, "seed": seed, "out": out}
    options = Options(**made, mix=ways, shares=tiers)
    logging.getLogger("router.store").setLevel(logging.ERROR)  # a master that is killed is told of in the report
    found = uvloop.run(run(options, sys.stdout))
    sys.exit(0 if found.clean else UNPROVEN if found.unproven else 1)


if __name__ == "__main__":
    main()
