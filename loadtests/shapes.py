"""When callers come, how long they wait and talk: the load's clock and its fitted figures. Open loop: nobody waits for
anybody's answer before calling.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

Shape = Literal["constant", "ramp", "day", "worst"]
SHAPES: tuple[str, ...] = get_args(Shape)
Kind = Literal["vip", "regular", "unknown"]
TALK_MAX_S = 600.0


@cache
def fitted() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "fitted.yaml").read_text(encoding="utf-8"))
    return found


def profile(shape: Shape) -> Callable[[float], float]:
    """Share of the run gone (0 to 1) → rate there, in units of the mean rate of the whole run."""
    if shape == "constant":
        return lambda _: 1.0
    if shape == "ramp":
        return lambda gone: 0.2 + 1.6 * gone
    pieces: list[float] = fitted()[shape]["per_half_hour" if shape == "day" else "per_five_minutes"]
    mean = sum(pieces) / len(pieces)
    return lambda gone: pieces[min(int(gone * len(pieces)), len(pieces) - 1)] / mean


def arrivals(chance: random.Random, shape: Shape, per_s: float, seconds: float) -> Iterator[float]:
    """Seconds into the run at which calls come: a Poisson process, `per_s` on average."""
    rate_at = profile(shape)
    peak = max(rate_at(step / 480) for step in range(481))
    at = 0.0
    while True:
        at += chance.expovariate(per_s * peak)
        if at >= seconds:
            return
        if chance.random() * peak < rate_at(at / seconds):
            yield at


def patience_s(chance: random.Random, kind: Kind) -> float:
    """How long this caller waits before hanging up."""
    given = fitted()["patience"][kind]
    return float(chance.weibullvariate(given["scale"], given["shape"]))


def talk_s(chance: random.Random, kind: Kind) -> float:
    given = fitted()["talk"][kind]
    return min(chance.lognormvariate(given["mu"], given["sigma"]), TALK_MAX_S)


def mean_talk_s(kind: Kind) -> float:
    given = fitted()["talk"][kind]
    return math.exp(given["mu"] + given["sigma"] ** 2 / 2)
