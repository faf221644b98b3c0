"""Whose word counts: of several claims to a slot the one of the newest election."""

from __future__ import annotations

from router.store.address import parse_address
from router.store.cluster import slot_of
from router.store.topology import Claim, Topology, all_of, claims_of, epochs

ASKED = ("10.0.0.1", 7000)
SLOTS = [
    [0, 8191, [b"10.0.0.1", 7000, b"aa", []], [b"10.0.0.3", 7000, b"cc", []]],
    [8192, 16383, [b"", 7001, b"bb", []]],
]
NODES = b"""aa 10.0.0.1:7000@17000,one myself,master - 0 0 4 connected 0-8191
bb :7001@17001 master - 0 1426238317239 9 connected 8192-16383
cc 10.0.0.3:7000@17000 slave aa 0 1426238317239 4 connected
"""


def test_claims_carry_the_epoch_of_their_master() -> None:
    assert epochs(NODES) == {b"aa": 4, b"bb": 9, b"cc": 4}
    # A node that does not say where it is, is where we asked.
    assert claims_of(ASKED, SLOTS, epochs(NODES)) == [
        Claim(4, 0, 8191, ("10.0.0.1", 7000)),
        Claim(9, 8192, 16383, ("10.0.0.1", 7001)),
    ]
    assert set(all_of(ASKED, SLOTS)) == {ASKED, ("10.0.0.1", 7001), ("10.0.0.3", 7000)}


def test_the_newest_election_decides_whoever_is_asked_first() -> None:
    cut_off, elected = Claim(4, 0, 8191, ("10.0.0.1", 7000)), Claim(10, 0, 8191, ("10.0.0.3", 7000))
    rest = Claim(9, 8192, 16383, ("10.0.0.1", 7001))
    for said in ([cut_off, rest, elected], [elected, rest, cut_off]):
        topology = Topology(parse_address("redis+cluster://10.0.0.1:7000"))
        topology._claims = said
        assert topology.master_of(17) == ("10.0.0.3", 7000)
        assert topology.masters() == [("10.0.0.1", 7001), ("10.0.0.3", 7000)]
        assert topology.master_of(16384) is None


def test_a_site_s_slot_is_its_tag_s() -> None:
    assert slot_of("123456789") == 12739  # of the cluster's specification
