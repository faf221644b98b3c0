"""Who is ahead of whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.domain.waiting import WaitingLines

moves = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 5), st.sets(st.sampled_from(["vip", "general"]))), max_size=40
)


def test_a_call_stands_behind_those_of_lower_rank():
    lines = WaitingLines()
    lines.join("a", 10, ["general"])
    lines.join("b", 5, ["general", "vip"])
    assert (lines.ahead("general", 10), lines.ahead("general", 11), lines.ahead("vip", 10)) == (1, 2, 1)
    lines.leave("b")
    lines.leave("b")
    assert (lines.ahead("general", 10), lines.ahead("vip", 10)) == (0, 0)


@given(moves)
def test_counts_as_one_who_counts_everybody_would(done):
    lines, plain = WaitingLines(), {}
    for call_id, rank, lanes in done:
        if lanes:
            lines.join(call_id, rank, lanes)
        else:
            lines.leave(call_id)
        plain[call_id] = rank, lanes
    for lane in ("vip", "general"):
        for mine in range(7):
            expected = sum(rank < mine and lane in lanes for rank, lanes in plain.values())
            assert lines.ahead(lane, mine) == expected
