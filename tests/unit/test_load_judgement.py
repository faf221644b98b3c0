"""The load's judgement, on streams with one fault planted in each, and its shapes, crowd and report."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.loading import load_config
from loadtests.__main__ import main
from loadtests.curves import curves, moments
from loadtests.judgement import ENOUGH, SITUATIONS, Judge, Judgement, hook_figures
from loadtests.options import Options, read_mix, read_shares
from loadtests.people import ANSWERS, Crowd
from loadtests.report import Effort, headline, page
from loadtests.shapes import Shape, arrivals, fitted, mean_talk_s, patience_s, talk_s
from loadtests.site import agents_for, write_site
from loadtests.verdict import Verdict
from router.domain.events import Event, parse
from router.metrics.definitions import LEVEL
from router.metrics.projector import Work

HEAD_STARTS = {"gold": 10_000, "standard": 0}


def events(*lines: str) -> list[Event]:
    """One a second, but that a ready agent's offer is made in the same script; `$n` is the id of the n-th."""
    ids: list[str] = []
    at = 0
    for number, line in enumerate(lines):
        at += not (number and lines[number - 1] == READY and line.startswith("call.offered"))
        ids.append(f"{at}000-{number}")
    found = []
    for own, line in zip(ids, lines, strict=True):
        for number in range(len(lines), 0, -1):
            line = line.replace(f"${number}", ids[number - 1])
        found.append(parse(own, line))
    return found


def facts(at: int, tier: str = "standard", kind: str = "a") -> str:
    return f"facts={at}000;;{kind};{tier};0"


PUT, READY = "agent.put|agent=a1|profile=general=1;", "agent.ready|agent=a1|cause=asked"


def accepted(call: str, at: int, tier: str = "standard", lanes: str = "general", state: str = "w") -> str:
    return f"call.accepted|call={call}|state={state}|entered=|lanes={lanes}|{facts(at, tier)}|why=|seen="


def offered(call: str, agent: str = "a1", lane: str = "general") -> str:
    return f"call.offered|call={call}|agent={agent}|lane={lane}|step=|facts="


def held(kind: str, call: str, offer: str, agent: str = "a1", **more: str) -> str:
    return f"{kind}|call={call}|agent={agent}|offer={offer}" + "".join(
        f"|{name}={value}" for name, value in more.items()
    )


def ended(call: str, outcome: str = "answered", was: str = "c", cause: str = "hangup") -> str:
    return f"call.ended|call={call}|outcome={outcome}|cause={cause}|was={was}|agent=|offer=|step=|facts="


SOUND = (PUT, accepted("c1", 2), accepted("c2", 3, "gold"), READY, offered("c2"),
         held("call.connected", "c2", "$5", facts="3000;;a;gold;0"), ended("c2"), READY, offered("c1"),
         held("call.connected", "c1", "$9", facts="2000;;a;standard;0"), ended("c1"))  # fmt: skip


def judged(*lines: str, created: tuple[str, ...] = ("c1", "c2"), minutes: float = 0.1, **more: object) -> Judgement:
    judge = Judge(HEAD_STARTS, target_ms=4_000).read(events(*lines))
    return judge.close(created, (), (), minutes, **more)  # type: ignore[arg-type]


def test_a_sound_run_is_clean() -> None:
    assert judged(*SOUND).faults == []
    assert judged(*SOUND).clean


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((*SOUND[:5], accepted("c3", 6), offered("c3")), "a1 has c2 and is offered c3"),
        ((PUT, accepted("c1", 2), accepted("c2", 3, "gold"), READY, offered("c1")), "offered to a1 in general before"),
        ((PUT, accepted("c2", 2), READY, accepted("c1", 4)), "a1 is ready while"),
        (SOUND[:-1], "c1 is connected"),
        ((*SOUND, ended("c1")), "c1 ended twice"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(lines: tuple[str, ...], words: str) -> None:
    assert any(words in fault for fault in judged(*lines).faults), judged(*lines).faults


def test_a_call_that_clients_know_of_and_the_books_do_not_is_lost() -> None:
    assert judged(*SOUND, created=("c1", "c9")).faults == ["c9 was acknowledged and is lost"]


def test_a_call_may_end_while_it_is_greeted() -> None:
    greeted = f"call.greeting|call=c3|{facts(12)}"
    found = judged(*SOUND, greeted, ended("c3", "abandoned", "g"))
    assert found.faults == []
    assert found.counts["caller gone: greeting"] == 1


def test_who_inherits_a_place_keeps_the_better_of_both() -> None:
    lines = [PUT, f"call.greeting|call=c1|{facts(2)}", accepted("c2", 3), accepted("c0", 4), accepted("c1", 2)]
    lines += ["call.recalled|call=c1|old=c0|accepted=4000", ended("c0", "abandoned", "w"), READY]
    assert judged(*lines, offered("c1"), created=()).faults[:-2] == []
    assert any("before c1" in fault for fault in judged(*lines, offered("c2"), created=()).faults)


def test_who_is_kept_free_for_others_is_not_idle() -> None:
    lines = (PUT.replace("general=1;", "general=1 vip=1;"), READY, accepted("c1", 3))
    assert Verdict(HEAD_STARTS, {"vip": 1}).read(events(*lines)).close((), {}, (), all_over=False) == []
    assert Verdict(HEAD_STARTS).read(events(*lines)).close((), {}, (), all_over=False)
    vip = (*lines[:2], accepted("c1", 3, lanes="vip"))
    assert Verdict(HEAD_STARTS, {"vip": 1}).read(events(*vip)).close((), {}, (), all_over=False)


def test_a_hook_after_the_deadline_breaks_the_run() -> None:
    judge = Judge(HEAD_STARTS, 4_000).read(events(*SOUND))
    assert judge.close((), (), [("voice", 15_001.0), ("voice", 10.0)], 0.1).faults
    assert judge.close((), (), [("voice", 14_999.0)], 0.1).faults == []


def test_a_long_run_in_which_too_little_occurred_is_not_clean() -> None:
    assert judged(*SOUND, minutes=1.9).clean
    found = judged(*SOUND, minutes=2.0)
    assert not found.faults
    assert len(found.missing) == len(SITUATIONS)
    found.missing = []
    assert found.clean


def test_every_situation_is_counted_from_its_entries() -> None:
    choice = "call.choice|call=c1|choice={}|by={}|asked=1|step=|facts="
    lines = [PUT, accepted("c1", 2, state="q", lanes="@a1 vip")]
    lines += [choice.format("wait", "caller"), choice.format("transfer", "caller")]
    lines += [choice.format("transfer", "timeout"), choice.format("transfer", "unclear")]
    lines += ["call.widened|call=c1|entered=vip|step=|lanes=vip general|facts="]
    lines += [READY, offered("c1"), held("call.returned", "c1", "$9", cause="expired"), READY, offered("c1")]
    lines += [held("call.returned", "c1", "$12", cause="offline")]
    lines += [f"call.greeting|call=c{number}|{facts(20)}" for number in range(2, 7)]
    lines += [ended(f"c{number}", "abandoned", was) for number, was in zip(range(2, 7), "gqwoc", strict=True)]
    lines += [
        accepted("c7", 30, state="q"),
        f"callback.booked|call=cb|old=c7|lanes=general|step=|{facts(30, kind='ka')}",
    ]
    counts = Judge(HEAD_STARTS, 1).read(events(*lines)).counts
    assert {name: counts[name] for name in SITUATIONS} == dict.fromkeys(SITUATIONS, 1)
    assert ENOUGH == 50


def test_a_call_overflows_when_a_further_group_gets_it() -> None:
    def counted(*lanes: str) -> int:
        widened = [f"call.widened|call=c1|entered=vip|step=|lanes={one}|facts=" for one in lanes[1:]]
        lines = [PUT, accepted("c1", 2, lanes=lanes[0]), *widened]
        return Judge(HEAD_STARTS, 1).read(events(*lines)).counts["overflow"]

    assert counted("@a1", "@a1 @a2", "@a1 @a2 vip") == 0
    assert counted("vip", "vip general") == counted("@a1", "vip general") == counted("vip general") == 1
    assert counted("vip", "vip general", "vip general") == counted("vip", "vip+loans general") == 1
    assert counted("vip", "vip general", "vip general @a1 desk") == 2


def test_waits_and_service_level_by_tier() -> None:
    gold, standard, everybody = judged(*SOUND).tiers
    assert (gold.calls, gold.answered, gold.mean_ms, gold.service_level) == (1, 1, 2_000, 1.0)
    assert (standard.mean_ms, standard.service_level) == (6_000, 0.0)
    assert (everybody.calls, everybody.p50_ms, everybody.service_level) == (2, 6_000, 0.5)


def test_answered_hung_up_and_in_time_are_what_the_service_s_metrics_count(tmp_path: Path) -> None:
    (files,) = load_config(write_site(tmp_path, Options(pace=5), {"simulator": {}})).values()

    def gone(call: str, outcome: str, at: int, kind: str = "a", was: str = "w", talks: int = 0) -> str:
        return ended(call, outcome, was).replace("|facts=", f"|facts={at}000;;{kind};standard;{talks}")

    def talks(call: str, offer: str, at: int, kind: str = "a", talks: int = 0) -> str:
        return held("call.connected", call, offer, facts=f"{at}000;;{kind};standard;{talks}")

    lines = [PUT, f"call.greeting|call=c1|{facts(1)}", gone("c1", "abandoned", 1, was="g")]
    lines += [accepted("c2", 3), gone("c2", "short_abandoned", 3), accepted("c3", 5), gone("c3", "abandoned", 5)]
    lines += [
        accepted("c4", 7),
        gone("c4", "abandoned", 7),
        accepted("c5", 7),
        "call.recalled|call=c5|old=c4|accepted=7000",
    ]
    lines += [READY, offered("c5"), talks("c5", "$12", 7), gone("c5", "answered", 7, was="c", talks=1)]
    lines += [f"callback.booked|call=c6|old=c5|lanes=general|step=|{facts(9, kind='ka')}"]
    lines += [READY, offered("c6"), talks("c6", "$17", 9, "ka"), gone("c6", "answered", 9, "ka", "c", 1)]
    lines += [accepted("c7", 18), READY, offered("c7"), talks("c7", "$22", 18)]
    lines += [held("call.transferred", "c7", "$22", facts="18000;;a;standard;1"), READY, offered("c7")]
    lines += [talks("c7", "$26", 18, talks=1), gone("c7", "answered", 18, was="c", talks=2)]

    work = Work.of({}, {}, lambda: files.plan.site)
    for event in events(*lines):
        work.take(event)
    told: Counter[str] = Counter()
    for field, count in work.values().items():
        if field.startswith(f"{LEVEL.name};standard;"):
            told[field.rpartition(";")[2]] += int(count)
    for word in ("recalled", "recalled_short"):
        told["abandoned" if word == "recalled" else "short_abandoned"] -= told[word]
    everybody = Judge(HEAD_STARTS, target_ms=4_000).read(events(*lines)).close((), (), (), 0.1).tiers[-1]
    assert (everybody.answered, everybody.abandoned) == (told["answered"], told["abandoned"]) == (2, 2)
    net = told["answered_in_target"] / (told["answered"] + told["abandoned"] - told["short_abandoned"])
    assert everybody.service_level == pytest.approx(net) == pytest.approx(1 / 3)


def test_hooks_are_told_by_page_and_together() -> None:
    rows = hook_figures([("voice", 10.0), ("voice", 30.0), ("hold", 20.0)])
    assert [row[:2] for row in rows] == [("hold", 1), ("voice", 2), ("all", 3)]
    assert rows[-1][-1] == 30.0


# ------------------------------------------------------------ shapes and people


@pytest.mark.parametrize("shape", ["constant", "ramp", "day", "worst"])
def test_every_shape_brings_the_rate_asked_for_on_average(shape: Shape) -> None:
    times = list(arrivals(random.Random(1), shape, 20.0, 300.0))
    assert times == sorted(times)
    assert len(times) == pytest.approx(6_000, rel=0.05)


def test_a_day_is_busiest_in_the_morning_and_a_ramp_at_its_end() -> None:
    day = Counter(int(at / 300 * 24) for at in arrivals(random.Random(1), "day", 50.0, 300.0))
    assert day[10] > 5 * day[5]
    ramp = list(arrivals(random.Random(1), "ramp", 20.0, 300.0))
    assert sum(at > 150 for at in ramp) > 1.8 * sum(at <= 150 for at in ramp)


def test_patience_and_talks_are_the_bank_s() -> None:
    chance = random.Random(2)
    unknown = statistics.median(patience_s(chance, "unknown") for _ in range(4_000))
    vip = statistics.median(patience_s(chance, "vip") for _ in range(4_000))
    assert unknown == pytest.approx(45, rel=0.15)
    assert vip == pytest.approx(461, rel=0.15)
    talks = [talk_s(chance, "regular") for _ in range(4_000)]
    assert statistics.median(talks) == pytest.approx(124, rel=0.1)
    assert max(talks) <= 600
    assert mean_talk_s("vip") > mean_talk_s("regular")
    assert len(fitted()["day"]["per_half_hour"]) == 48


def test_the_crowd_has_the_shares_it_was_asked_for() -> None:
    crowd = Crowd(Options(mix={"twilio": 0.75, "api": 0.25}, seed=3))
    drawn = [crowd.draw() for _ in range(2_000)]
    tiers, ways = Counter(one.tier for one in drawn), Counter(one.way for one in drawn)
    assert tiers["diamond"] + tiers["gold"] + tiers["silver"] > 0.3 * len(drawn)
    assert ways["twilio"] == pytest.approx(1_500, rel=0.1)
    assert Counter(one.answer for one in drawn)["9"] == pytest.approx(
        len(drawn) * ANSWERS.count("9") / len(ANSWERS), abs=2
    )
    assert drawn == [
        again.draw() for again in [Crowd(Options(mix={"twilio": 0.75, "api": 0.25}, seed=3))] for _ in drawn
    ]


def test_the_site_of_a_load_is_sound(tmp_path: Path) -> None:
    options = Options(rate=20)
    assert agents_for(options) >= 40
    config = write_site(tmp_path, options, {"simulator": {}})
    (files,) = load_config(config).values()
    assert len(files.agents) == agents_for(options)


# ------------------------------------------------------------ what people see


def test_a_mix_is_read_and_a_wrong_one_refused() -> None:
    assert read_mix("twilio:3,api:1") == {"twilio": 0.75, "api": 0.25}
    assert read_mix("api") == {"api": 1.0}
    for wrong in ("", "api:x", "api:-1", "api:0"):
        with pytest.raises(ValueError):
            read_mix(wrong)
    refused = CliRunner().invoke(main, ["--mix", "pigeon"])
    assert refused.exit_code == 2
    assert "there are api" in refused.output


def test_shares_of_tiers_are_read_and_wrong_ones_refused() -> None:
    assert read_shares("diamond:1, gold:2,unknown:1") == {"diamond": 0.25, "gold": 0.5, "": 0.25}
    drawn = [Crowd(Options(shares=read_shares("gold:1"))).draw().tier for _ in range(20)]
    assert set(drawn) == {"gold"}
    for wrong in ("gold:x", "gold:-1", "gold:0"):
        with pytest.raises(ValueError, match="write diamond:5"):
            read_shares(wrong)
    refused = CliRunner().invoke(main, ["--shares", "gold:1,platinum:2"])
    assert refused.exit_code == 2
    assert "platinum; there are diamond, gold, silver, member, standard, unknown" in refused.output


def test_the_page_stands_alone_and_says_what_broke() -> None:
    found = judged(*SOUND[:-1])
    over_time = moments(events(*SOUND[:-1]), HEAD_STARTS)
    text = page(found, Options(), Effort(1.0, 2.0, 2, 10.0), over_time)
    assert "BROKEN" in text
    assert "nobody comes" in text
    assert "<svg" in text
    assert "src=" not in text
    assert headline(judged(*SOUND)) == "CLEAN"
    assert headline(judged(*SOUND, minutes=2)).startswith("NOT CLEAN")


def test_curves_follow_what_happened() -> None:
    found = moments(events(*SOUND), HEAD_STARTS)
    assert max(moment.waiting for moment in found) == 2
    assert max(moment.talking for moment in found) == 1
    assert found[-1].waiting == found[-1].talking == 0
    assert curves(found, {"waiting": ("waiting", "#000")}).count("<polyline") == 1
