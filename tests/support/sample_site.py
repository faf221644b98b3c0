"""What random histories are made of: a small call centre in which every rule of the engine matters."""

from __future__ import annotations

from hypothesis import strategies as st

from router.domain.ladder import DefaultChoice, Ladder, Profile, Step, Timing, WhenBusy

AGENTS = ["ann", "bob", "cat", "dan", "eve"]
OWNERS = ["ann", "bob", "nobody"]
IDENTITIES = ["", "", "li", "mo"]
GROUPS = ["vip", "general"]
WHEN_BUSY: list[WhenBusy] = ["ask", "ask", "wait", "next"]
DEFAULT_CHOICES: list[DefaultChoice] = ["transfer", "transfer", "wait"]
MINUTE, DAY = 60_000, 86_400_000
OWNER_WAIT_MS = 2 * MINUTE

PROFILES = [
    Profile({"general": 1}),
    Profile({"vip": 1}),
    Profile({"general": 1, "vip": 1}),
    Profile({"general": 2, "vip": 1}),
    Profile({"general": 1, "vip": 2}, frozenset({"zh"})),
    Profile({"general": 1, "vip": 1}, frozenset({"zh"})),
]
KEEP_FREE = st.dictionaries(st.sampled_from(["vip", "general"]), st.integers(0, 2))
LANES = ["vip", "general", "vip+zh", "general+zh"]


def timings() -> st.SearchStrategy[Timing]:
    """Mostly the shipped durations, but little patience with owners; sometimes no wrap-up at all."""
    return st.builds(Timing, wrap_up_ms=st.sampled_from([30_000, 30_000, 0]), owner_wait_ms=st.just(OWNER_WAIT_MS))


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """Owner → cover → group → group, any of them left out; rarely none at all."""
    found: list[Step] = []
    if draw(st.booleans()):
        owner = draw(st.sampled_from(OWNERS))
        busy = draw(st.sampled_from(WHEN_BUSY))
        default = draw(st.sampled_from(DEFAULT_CHOICES))
        found.append(Step("owner", (f"@{owner}",), OWNER_WAIT_MS, None, busy, default))
    if draw(st.integers(0, 3)) == 3:
        found.append(Step("cover", (f"@{draw(st.sampled_from(AGENTS))}",), 0))
    for number in range(draw(st.integers(0, 2))):
        lane = draw(st.sampled_from(LANES))
        wait = draw(st.sampled_from([10_000, 0, None]))
        found.append(Step(f"step{number}", (lane,), wait, draw(st.sampled_from([None, None, 0, 1, 2]))))
    if draw(st.integers(0, 9)) < 9:
        lanes = draw(st.sampled_from([("general",), ("general",), ("vip",), ("general", "vip+zh")]))
        found.append(Step("last", lanes))
    return tuple(found)


def ladders() -> st.SearchStrategy[Ladder]:
    return st.builds(
        Ladder,
        head_start_ms=st.sampled_from([0, 2 * MINUTE, 10 * MINUTE]),
        steps=steps(),
        max_wait_ms=st.sampled_from([30 * MINUTE, 30 * MINUTE, 5 * MINUTE, 30_000]),
    )


def targets() -> st.SearchStrategy[Ladder]:
    """Where an agent passes a caller on to."""
    return st.sampled_from(
        [
            Ladder(0, (Step("last", ("general",)),), 30 * MINUTE),
            Ladder(0, (Step("last", ("vip",)),), 30 * MINUTE),
            Ladder(0, (Step("owner", ("@ann",), OWNER_WAIT_MS, None, "wait"), Step("last", ("general",))), 30 * MINUTE),
        ]
    )
