"""`vipline demo`: a lively hour at a made-up bank, played against the running service and told as it happens."""

from __future__ import annotations

import asyncio
import logging
import sys

import click

FAST = 120.0


@click.command("demo")
@click.option("--provider", default="simulator", show_default=True, help="on whose telephones")
@click.option("--speed", default=24.0, show_default=True, type=click.FloatRange(0.1, 1000), help="1: real time")
@click.option("--fast", is_flag=True, help=f"{FAST:g} times as fast as life")
@click.option(
    "--minutes", default=60.0, show_default=True, type=click.FloatRange(0.5, 600), help="how long people call"
)
@click.option("--seed", default=7, show_default=True, help="another one is another hour")
@click.option(
    "--listen", default="127.0.0.1:0", show_default=True, help="where the service is; port 0 picks a free one"
)
@click.option("--keep", is_flag=True, help="the service stays up at the end, until Ctrl-C, to look at it")
def command(provider: str, speed: float, fast: bool, minutes: float, seed: int, listen: str, keep: bool) -> None:
    """Play an hour of callers, agents and a supervisor, and say what became of everybody.

    Exits 1 when somebody was lost, left alone on a line, passed over, or an agent got stuck.
    """
    # The far ends belong to the load tests: nothing that serves imports them.
    from loadtests.demo.play import Options, play, until_interrupted
    from loadtests.demo.stages import STAGES

    if provider not in STAGES:
        raise click.BadParameter(f"there are {', '.join(STAGES)}", param_hint="--provider")
    logging.basicConfig(level=logging.ERROR)
    options = Options(provider, FAST if fast else speed, minutes, seed, listen, until_interrupted if keep else None)
    try:
        broken = asyncio.run(play(options, sys.stdout))
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as missing:
        # A stand-in may check us by the provider's own library, which serving does not need.
        raise click.ClickException(f"{provider} is played with the help of {missing.name}: install it first") from None
    except OSError as error:
        raise click.ClickException(f"cannot start: {error}") from None
    sys.exit(1 if broken else 0)
