"""What each entry of the stream teaches, told by hand."""

from __future__ import annotations

import pytest

from router.domain.estimates import Forecast
from router.domain.events import parse
from router.domain.fitting import Curve
from router.domain.judging import Promise
from router.domain.talks import Talks
from router.events.learning import Followed, Learning

AT = 1_000_000


class Told:
    """Entries written one after the other, a second apart unless said otherwise."""

    def __init__(self) -> None:
        self.learning = Learning()
        self.now = AT
        self._count = 0

    def tell(self, text: str, *, after_s: float = 1, rank: int | None = None) -> None:
        self.now += round(after_s * 1000)
        self._count += 1
        event = parse(f"{self.now}-{self._count}", f"{text}|at={self.now}")
        self.learning.take(event, {} if rank is None else {event.fields["call"]: rank})

    def comes(self, call_id: str, lanes: str = "vip", *, kind: str = "j", tier: str = "gold", rank: int | None = None):
        facts = f"{self.now + 1000};;{kind};{tier};0"
        self.tell(f"call.accepted|call={call_id}|state=w|lanes={lanes}|facts={facts}", rank=rank)

    def samples(self, call_id: str) -> list[tuple[str, int]]:
        return [(sample.group, sample.ahead) for sample in self.learning.calls[call_id].samples]

    @property
    def learned(self) -> dict[str, int]:
        return {name: fit.samples for name, fit in self.learning.estimator.fits.items()}

    @property
    def talks(self) -> int:
        return self.learning.estimator.talks.samples


@pytest.fixture
def told() -> Told:
    return Told()


def test_one_who_comes_is_behind_those_of_lower_rank(told):
    told.comes("a", rank=50)
    told.comes("b", rank=40)
    told.comes("c", rank=60)
    told.comes("d", "general", rank=70)
    assert [told.samples(call_id) for call_id in "abcd"] == [[("vip", 0)], [("vip", 0)], [("vip", 2)], [("general", 0)]]


def test_an_answer_teaches_the_class_its_group_and_all(told):
    told.comes("a")
    told.tell("call.offered|call=a", after_s=30)
    told.tell("call.connected|call=a", after_s=5)
    assert told.learned == {"vip;gold": 1, "vip;": 1, ";": 1}
    fit = told.learning.estimator.fits["vip;gold"]
    assert fit.products[4] == pytest.approx(35)
    told.tell("call.ended|call=a|outcome=answered", after_s=100)
    assert told.talks == 1
    assert not told.learning.calls


def test_each_group_a_caller_waits_in_learns_from_the_time_it_was_entered(told):
    told.comes("x", "general", rank=1)
    told.comes("a", rank=2)
    told.tell("call.widened|call=a|lanes=vip general", after_s=10)
    assert told.samples("a") == [("vip", 0), ("general", 1)]
    told.tell("call.offered|call=a", after_s=10)
    told.tell("call.connected|call=a", after_s=0)
    waits = {name: fit.products[4] for name, fit in told.learning.estimator.fits.items() if name.endswith("gold")}
    assert waits == {"vip;gold": pytest.approx(20), "general;gold": pytest.approx(10)}


def test_a_lane_with_a_ready_agent_was_never_waited_in(told):
    told.comes("a")
    told.tell("call.widened|call=a|lanes=vip general", after_s=10)
    told.tell("call.offered|call=a", after_s=0)
    assert told.samples("a") == [("vip", 0)]


def test_one_who_is_offered_at_once_teaches_nothing(told):
    told.tell(f"call.accepted|call=a|state=o|lanes=vip|facts={AT};;j;gold;0")
    told.tell("call.offered|call=a", after_s=0)
    told.tell("call.connected|call=a")
    assert told.learned == {}


def test_whoever_is_rung_stands_in_no_line_and_comes_back_to_the_old_place(told):
    told.comes("a", rank=1)
    told.tell("call.offered|call=a")
    told.comes("b", rank=2)
    told.tell("call.returned|call=a|was=o")
    told.comes("c", rank=3)
    assert (told.samples("b"), told.samples("c")) == ([("vip", 0)], [("vip", 2)])


@pytest.mark.parametrize(
    "ending", ["call.ended|call=a|outcome=abandoned", "call.boosted|call=a", "call.assigned|call=a|agent=z"]
)
def test_hang_ups_and_help_teach_nothing(told, ending):
    told.comes("a")
    told.tell(ending)
    told.tell("call.offered|call=a")
    told.tell("call.connected|call=a")
    assert told.learned == {}


def test_a_callback_holds_its_place_and_teaches_nothing(told):
    told.comes("a", rank=1)
    told.tell(f"callback.booked|call=k|old=a|lanes=vip|facts={AT};;kj;gold;0", rank=1)
    told.tell("call.ended|call=a|outcome=callback", after_s=0)
    told.comes("b", rank=2)
    assert told.samples("b") == [("vip", 1)]
    told.tell("call.offered|call=k")
    told.tell("call.connected|call=k")
    assert told.learned == {}


def test_an_owners_line_teaches_no_group(told):
    told.comes("a", "@ann")
    assert told.samples("a") == []
    told.tell("call.widened|call=a|lanes=@ann vip+loans")
    assert told.samples("a") == [("vip", 0)]


def test_a_transferred_caller_waits_anew(told):
    told.comes("a", rank=1)
    told.tell("call.offered|call=a")
    told.tell("call.connected|call=a")
    told.tell("call.transferred|call=a", after_s=40)
    told.tell("call.widened|call=a|lanes=general", after_s=0)
    assert told.talks == 1
    assert told.samples("a") == [("general", 0)]
    told.tell("call.offered|call=a")
    told.tell("call.connected|call=a")
    assert told.learned["general;gold"] == 1


def test_a_place_that_passes_on_changes_who_is_ahead(told):
    told.comes("old", rank=1)
    told.comes("b", rank=2)
    told.comes("heir", rank=3)
    told.tell(f"call.recalled|call=heir|old=old|accepted={AT}", rank=1)
    told.tell("call.ended|call=old|outcome=recalled", after_s=0)
    told.comes("c", rank=2)
    assert told.samples("c") == [("vip", 1)]


def test_what_was_taken_is_not_new(told):
    told.comes("a")
    again = parse(told.learning.last, "call.connected|call=a")
    later = parse(f"{told.now}-99", "call.connected|call=a")
    assert told.learning.new([again, later]) == [later]


def test_a_followed_call_survives_being_written_down(told):
    told.comes("a")
    call = told.learning.calls["a"]
    assert Followed.load(call.dump()) == call
    assert Followed.load('{"another": "version"}') is None


def test_an_entry_that_makes_no_sense_is_passed_over(told):
    told.comes("a", rank=1)
    with pytest.raises(KeyError):
        told.tell("call.assigned|call=a")
    told.comes("b", rank=2)
    assert told.samples("b") == [("vip", 1)]


@pytest.fixture
def heard(told: Told) -> Told:
    """A caller has come who was told at most two minutes."""
    told.learning.forecasts.add(Forecast(0, {";": Curve(100, 60.0, 0.0, (1.0,) * 4, (2.0,) * 4)}, {}))
    told.comes("a")
    return told


def hits(told: Told) -> tuple[int, int]:
    quality = told.learning.estimator.quality(told.now)
    return quality.answers, quality.hits


@pytest.mark.parametrize(("after_s", "judged"), [(119, (0, 0)), (121, (1, 0))])
def test_who_hangs_up_after_the_longest_time_said_counts_against_it(heard, after_s, judged):
    heard.tell("call.ended|call=a|outcome=abandoned", after_s=after_s)
    assert hits(heard) == judged
    assert heard.learned == {}


def test_who_waits_longer_than_was_said_counts_once_whatever_comes_of_it(heard):
    heard.learning.overlook(heard.now + 119_000)
    assert hits(heard) == (0, 0)
    heard.now += 121_000
    heard.learning.overlook(heard.now)
    heard.learning.overlook(heard.now)
    assert hits(heard) == (1, 0)
    heard.tell("call.offered|call=a")
    heard.tell("call.connected|call=a")
    assert hits(heard) == (1, 0)
    assert heard.learned == {"vip;gold": 1, "vip;": 1, ";": 1}


@pytest.fixture
def owned(told: Told) -> Told:
    """Ann talks, as long as her talks last is known, and two callers are asked whether to wait for her."""
    talks = Talks()
    for _ in range(20):
        talks = talks.learn(120)
    told.learning.forecasts.add(Forecast(0, {}, {}, talks))
    since = told.now
    told.tell("call.offered|call=first|agent=ann")
    for place, call_id in enumerate(("asked", "behind")):
        facts = f"{told.now + 1000};;j;gold;0"
        told.tell(f"call.accepted|call={call_id}|state=q|lanes=@ann|facts={facts}", rank=place)
        told.tell(f"call.owner_busy|call={call_id}|facts={facts}|seen=@ann=t,{since}")
    return told


def owners(told: Told) -> tuple[int, int]:
    quality = told.learning.estimator.forecast(told.now).owners
    return quality.answers, quality.hits


def promises(told: Told) -> list[Promise]:
    return told.learning.estimator.owners.open.get("ann", [])


def test_what_is_said_of_an_owner_counts_those_before(owned):
    first, second = promises(owned)
    assert (first.ahead, second.ahead) == (0, 1)
    assert first.said.p50_ms == pytest.approx(120_000 - 3_000 + 30_000, abs=2_000)
    assert second.said.p50_ms > first.said.p50_ms + 120_000


def test_an_owner_who_takes_the_next_keeps_the_promise_to_the_first(owned):
    owned.tell("call.ended|call=asked|outcome=abandoned", after_s=10)
    owned.tell("call.offered|call=behind|agent=ann", after_s=120)
    assert owners(owned) == (1, 1)
    assert len(promises(owned)) == 1
    owned.tell("agent.ready|agent=ann", after_s=60)
    assert owners(owned) == (2, 2)


def test_an_owner_who_takes_longer_is_a_miss_whoever_waits(owned):
    owned.now += 3_600_000
    owned.learning.overlook(owned.now)
    assert owners(owned) == (2, 0)
    assert owned.learning.learned
    owned.tell("agent.ready|agent=ann")
    assert owners(owned) == (2, 0)


@pytest.mark.parametrize("seen", ["@ann=w,1000", "@bob=t,1000", "vip=0/1/1", ""])
def test_of_an_owner_who_does_not_talk_nothing_is_judged(owned, seen):
    facts = f"{owned.now + 1000};;j;gold;0"
    owned.tell(f"call.accepted|call=third|state=q|lanes=@ann|facts={facts}")
    owned.tell(f"call.owner_busy|call=third|facts={facts}|seen={seen}")
    assert len(promises(owned)) == 2


def test_after_a_gap_nothing_is_held_against_owners(owned):
    owned.learning.begin_anew("9-0", {}, {})
    assert promises(owned) == []
