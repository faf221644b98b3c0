"""The plan of the site that is asked over HTTP: an owner's ladder for gold customers, and Twilio's secrets in files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from config.loading import PlanFile, read_plan
from router.bench.carrier import ACCOUNT, TOKEN

TEXT = """\
title: Bench
language: en
region: US
timezone: America/New_York
tiers:
  - {name: gold, min_annual_value: 10000, head_start: 10m, ladder: personal, greet_by_name: true}
  - {name: standard, ladder: general}
default_tier: standard
groups: {vip: {}, general: {}, asked: {}}
ladders:
  personal:
    - {step: owner, to: owner, when_busy: ask}
    - {step: vip, to: vip, wait: 10m}
    - {then: general}
  general:
    - {step: general, to: general}
limits: {per_second: 5000}
voice: {music: music/hold.mp3, music_length: 30s}
telephony:
  twilio:
    account_sid: {file: "%(folder)s/sid"}
    auth_token: {file: "%(folder)s/token"}
"""


@contextmanager
def bench_plan() -> Iterator[PlanFile]:
    """The files of its secrets stay until this is left."""
    with TemporaryDirectory(prefix="vipline-bench-") as folder:
        (Path(folder) / "sid").write_text(ACCOUNT)
        (Path(folder) / "token").write_text(TOKEN)
        yield read_plan(TEXT % {"folder": folder})
