"""The site a load runs on: five tiers, VIP and general desk, its times as much shorter as the load's pace says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from loadtests.options import VIP_TIERS, Options
from loadtests.people import customers
from loadtests.shapes import Kind, mean_talk_s

OPEN = "+12025550199"
HEAD_STARTS_S = {"diamond": 600, "gold": 300, "silver": 120, "member": 60, "standard": 0}
TARGET_S = 20
AROUND_TALK_S = 45.0
"""What an agent spends on a call beside the talk: ringing, hearing who comes, wrapping up, offers in vain."""
ANSWERED, PLENTY = 0.6, 1.3
FEW = 40
PATIENT_MS, RETAIN_ENDED_MS = 60_000, 60_000
LEAST_MS = 2_000
"""Of what agents and callers are given to answer: on a busy machine the hooks in between take a second of it."""


def agents_for(options: Options) -> int:
    """A little fewer than all talks need: there shall be queues; in a plain load, a few more."""
    if options.agents:
        return options.agents
    talk_s = sum(share * mean_talk_s(_kind(tier)) for tier, share in options.shares.items())
    busy = options.rate * (PLENTY if options.plain else ANSWERED) * (talk_s + AROUND_TALK_S) / options.pace
    return max(FEW, math.ceil(busy))


def _kind(tier: str) -> Kind:
    return "vip" if tier in VIP_TIERS else "regular" if tier else "unknown"


def head_starts(options: Options) -> dict[str, int]:
    """Tier → ms."""
    return {tier: round(seconds * 1000 / options.pace) for tier, seconds in HEAD_STARTS_S.items()}


def write_site(folder: Path, options: Options, telephony: dict[str, Any]) -> Path:
    """The site's files."""
    config = folder / "config"
    config.mkdir(parents=True)
    count = agents_for(options)
    (config / "plan.yaml").write_text(json.dumps(_plan(options, telephony)))
    (config / "agents.yaml").write_text(json.dumps({"agents": [_agent(number, count) for number in range(count)]}))
    (config / "customers.yaml").write_text(json.dumps({"customers": customers(count)}))
    return config


def _agent(number: int, count: int) -> dict[str, Any]:
    """Two of five serve VIPs, half of those everybody."""
    groups = ({"vip": 1}, {"vip": 1, "general": 1}, {"general": 1}, {"general": 1}, {"general": 1})[number % 5]
    return {"agent_id": f"agent-{number}", "name": f"Agent {number}", "groups": groups, "endpoint": endpoint(number)}


def endpoint(number: int) -> str:
    return f"sip:{number}@desk"


def _plan(options: Options, telephony: dict[str, Any]) -> dict[str, Any]:
    def scaled(seconds: float) -> int:
        return max(100, round(seconds * 1000 / options.pace))

    def patient(seconds: float) -> int:
        """No less than two seconds; where only complete calls count, a slow machine must not end them."""
        return max(PATIENT_MS if options.plain else LEAST_MS, scaled(seconds))

    tiers = [
        {
            "name": tier,
            "head_start": start,
            "ladder": "personal"
            if tier in ("diamond", "gold")
            else "vip"
            if tier in ("silver", "member")
            else "general",
            "greet_by_name": tier != "standard",
        }
        for tier, start in head_starts(options).items()
    ]
    return {
        "title": "Load",
        "language": "en",
        "region": "GB",
        "timezone": "Europe/London",
        "tiers": tiers,
        "default_tier": "standard",
        "groups": {"vip": {}, "general": {}},
        "ladders": {
            "personal": [
                {"step": "owner", "to": "owner", "when_busy": "next" if options.plain else "ask", "when_away": "next"},
                {"step": "cover", "to": "cover", "wait": 0},
                {"then": "vip"},
            ],
            "vip": [{"step": "vip", "to": "vip", "wait": scaled(20), "max_waiting": 40}, {"then": "general"}],
            "general": [{"step": "general", "to": "general"}],
        },
        "question": {"default": "transfer", "options": ["transfer", "wait", "callback"]},
        "max_wait": patient(900),
        "timing": {
            "offer": patient(25),
            "dial": patient(60),
            "bridge": patient(20),
            "wrap_up": scaled(15),
            "cooling": scaled(20),
            "cooling_max": scaled(120),
            "question": max(LEAST_MS, scaled(40)),
            "owner_wait": max(LEAST_MS, scaled(120)),
            "recall": max(LEAST_MS, scaled(120)),
            "retain_ended": RETAIN_ENDED_MS,
            "tombstone": round(options.tombstone_s * 1000),
        },
        "voice": {
            "menu": [{"key": "1", "topic": "accounts"}, {"key": "2", "topic": "loans"}],
            "interval": max(5_000, scaled(30)),
            "caller_id": OPEN,
        },
        "trust": {"attested": []},
        "velocity": {"calls": 0, "numbers": 0},
        "limits": {"calls": 5_000, "at_once": 500, "per_second": 1_000},
        "service_level": {"default": {"percent": 80, "within": scaled(TARGET_S)}, "short_abandon": scaled(5)},
        "telephony": telephony,
    }
