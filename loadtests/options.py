"""What a run is: how many callers, how fast, over what, for how long."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from loadtests.outages import KINDS, Kind
from loadtests.shapes import Shape

ENVIRONMENT = "VIPLINE_LOAD"
VIP_TIERS = ("diamond", "gold", "silver")
SHARES: Mapping[str, float] = {"diamond": 0.12, "gold": 0.24, "silver": 0.1, "member": 0.08, "standard": 0.28, "": 0.18}


@dataclass(frozen=True)
class Options:
    """`rate`: callers a second. `pace`: how many of a caller's seconds one of ours is: waits, talks, the plan's times
    are so much shorter. `mix`: way in → share of the callers. `shares`: tier → share; the empty one is nobody we know.
    `workers`: processes of the service. `agents`: 0 for as many as the load needs and a few less than it would like.
    `kill`: what is killed in its middle, each at least once; it comes back by itself, as it would.
    `plain`: every caller holds, is connected and ends; nobody errs, and no agent needs a screen.
    `tombstone_s`: for how long the trace of an ended call is kept; that of a callback thirty times as long.
    """

    rate: float = 20.0
    minutes: float = 2.0
    agents: int = 0
    pace: float = 50.0
    shape: Shape = "constant"
    mix: Mapping[str, float] = field(default_factory=lambda: {"twilio": 0.75, "api": 0.25})
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    workers: int = 1
    kill: Sequence[Kind] = ()
    plain: bool = False
    tombstone_s: float = 60.0
    seed: int = 1
    out: str = "var/load"

    @property
    def seconds(self) -> float:
        return self.minutes * 60

    @property
    def folder(self) -> Path:
        return Path(self.out)

    def write(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls) -> Self:
        """In a process that a run started."""
        given: dict[str, Any] = json.loads(os.environ[ENVIRONMENT])
        return cls(**given)


def read_mix(text: str) -> dict[str, float]:
    """`twilio:70,api:30`, or `twilio` → shares that add up to 1. ValueError: it is nothing of the kind."""
    parts = [part.partition(":") for part in text.split(",")]
    weights = {name.strip(): float(weight or 1) for name, _, weight in parts}
    total = sum(weights.values())
    if total <= 0 or min(weights.values()) < 0 or "" in weights:
        raise ValueError(f"{text!r} is no mix; write twilio:70,api:30")
    return {name: weight / total for name, weight in weights.items()}


def read_shares(text: str) -> dict[str, float]:
    """`diamond:5,gold:10,unknown:20` → tier → share, together 1; `unknown`: nobody we know. ValueError."""
    try:
        shares = read_mix(text)
    except ValueError:
        raise ValueError(f"{text!r} are no shares; write diamond:5,gold:10,unknown:20") from None
    names = {name or "unknown": name for name in SHARES}
    if unknown := shares.keys() - names.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return {names[name]: share for name, share in shares.items()}


def read_kinds(text: str) -> list[Kind]:
    """`worker,master` → what is killed. ValueError: something in it cannot be."""
    kinds = [kind for kind in KINDS if kind in {name.strip() for name in text.split(",")}]
    if unknown := {name.strip() for name in text.split(",")} - set(kinds):
        raise ValueError(f"{', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    return kinds
