"""Buckets that fill by themselves, and where a request really comes from."""

from __future__ import annotations

import pytest

from config.settings import networks
from router.limits import BURST_S, Buckets, source_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_holds_a_burst_and_fills_by_itself() -> None:
    clock = Clock()
    buckets = Buckets(clock=clock)
    burst = int(10 * BURST_S)
    assert [buckets.take("a", 10) for _ in range(burst)] == [0.0] * burst
    assert buckets.take("a", 10) == pytest.approx(0.1)
    assert buckets.take("b", 10) == 0.0
    clock.now += 0.11
    assert buckets.take("a", 10) == 0.0
    assert buckets.take("a", 10) > 0
    clock.now += 3600
    assert [buckets.take("a", 10) for _ in range(burst + 1)][-2:] == [0.0, pytest.approx(0.1)]


def test_a_cost_is_drained_though_there_is_less() -> None:
    buckets = Buckets(clock=Clock())
    buckets.drain("a", 1, 3)
    assert buckets.take("a", 1) == 0.0
    buckets.drain("a", 1, 3)
    assert buckets.take("a", 1) == pytest.approx(1.0)


def test_there_are_never_more_buckets_than_fit() -> None:
    buckets = Buckets(most=3, clock=Clock())
    for whom in "abcd":
        buckets.drain(whom, 1, 99)
    assert len(buckets) == 3
    assert buckets.take("a", 1) == 0.0
    assert buckets.take("d", 1) > 0


PROXIES = networks("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "source"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # no proxy of ours says so
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1"),  # the stranger's own words stand left
        ("10.0.0.1", ["6.6.6.6", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.9"], "10.0.0.9"),
        ("10.0.0.1", ["nonsense\x00"], "unreadable"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", [], "203.0.113.7"),
        (None, ["198.51.100.1"], "local"),
    ],
)
def test_where_a_request_really_comes_from(peer: str | None, forwarded: list[str], source: str) -> None:
    assert source_of(peer, forwarded, PROXIES) == source


def test_without_proxies_nobody_is_believed() -> None:
    assert source_of("10.0.0.1", ["198.51.100.1"], ()) == "10.0.0.1"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="expected addresses or networks"):
        networks("10.0.0.0/8, here")
