"""What holds for every caller: the policy never fails, never leaves anybody without a step, never tells on anybody."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from config.models import TRUST, SitePlan
from router.domain.customer import Account, Caller, CallFacts, Customer, ValueParts
from router.domain.policy import MAX_SKILLS, decide, plan
from tests.support.plans import sample, site

NUMBERS = ["+12025550100", "+12025550101", "+12025550102", "+12025550188", "+12025550199", ""]
PLANS = [
    sample().plan.site,
    site(
        numbers={
            NUMBERS[0]: {"hours": "day", "skills": ["tax"]},
            NUMBERS[1]: {"hours": "night", "language": "es", "head_start": "1h"},
            NUMBERS[2]: {"ladder": "vip", "language": "fr"},
        },
        hours={
            "day": {"open": {"mon-fri": ["08:00-20:00"]}, "holidays": {"country": "US"}, "at_close": "end"},
            "night": {"open": {"daily": ["22:00-02:30"]}, "timezone": "Europe/Berlin", "exit": "callback"},
        },
    ),
]
TIERS = st.sampled_from([None, "diamond", "gold", "silver", "plain", "standard", "unheard-of"])
IDS = st.sampled_from(["agent-1", "agent-2", "agent-7"])
SKILLS = st.lists(st.sampled_from(["es", "zh-CN", "loans", "cards", "tax", "law", "unheard-of"]), max_size=7).map(tuple)
LANGUAGES = st.sampled_from([None, "en", "en-US", "es", "zh-CN", "fr", "xx"])
AMOUNTS = st.none() | st.floats(0, 1e9)
ACCOUNTS = st.builds(
    Account,
    st.just("acme"),
    role=st.sampled_from(["", "decision_maker"]),
    tier=TIERS,
    annual_value=AMOUNTS,
)
CUSTOMERS = st.builds(
    Customer,
    st.sampled_from(["c-1", "c-2"]),
    name=st.sampled_from(["", "Quentin Zimmer"]),
    phones=st.just(("+12025550177",)),
    tier=TIERS,
    annual_value=AMOUNTS,
    value_parts=st.none() | st.builds(ValueParts, st.floats(0, 1e9), st.floats(0, 1e9), AMOUNTS, AMOUNTS),
    account=st.none() | ACCOUNTS,
    owner=st.none() | IDS,
    cover=st.lists(IDS, max_size=3, unique=True).map(tuple),
    language=LANGUAGES,
    skills=SKILLS,
)
CALLERS = st.none() | st.builds(Caller, CUSTOMERS, st.booleans())
CALLS = st.builds(
    CallFacts,
    st.just("CA1"),
    st.sampled_from([None, "+12025550177", "sip:ann@pbx"]),
    st.sampled_from(NUMBERS),
    language=LANGUAGES,
    skills=SKILLS,
    trust=st.sampled_from([None, *TRUST]),
)
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


@given(CALLERS, CALLS, st.sampled_from(PLANS), INSTANTS)
def test_every_ladder_ends_in_a_step_that_waits_or_the_line_is_closed(
    caller: Caller | None, call: CallFacts, plan_: SitePlan, now: datetime
) -> None:
    decision = decide(caller, call, plan_, now)
    ladder = decision.ladder
    assert (ladder.steps == ()) == decision.closed
    assert 0 < ladder.max_wait_ms <= plan_.max_wait
    assert ladder.head_start_ms >= 0
    if not decision.closed:
        assert ladder.steps[-1].wait_ms is None
        assert not ladder.steps[-1].lanes[0].startswith("@")
        assert len({step.name for step in ladder.steps}) == len(ladder.steps)
    for step in ladder.steps:
        assert step.lanes
        assert (step.when_busy is not None) <= (len(step.lanes) == 1 and step.lanes[0].startswith("@"))
        for lane in step.lanes:
            group, *skills = lane.split("+")
            assert group.startswith("@") or group in plan_.groups
            assert len(skills) <= MAX_SKILLS
            assert set(skills) <= set(plan_.skills)


@given(CALLERS, CALLS, st.sampled_from(PLANS), INSTANTS)
def test_reasons_name_no_person_and_no_number(
    caller: Caller | None, call: CallFacts, plan_: SitePlan, now: datetime
) -> None:
    text = " ".join(plan(caller, call, plan_, now).reasons)
    assert "Quentin" not in text
    assert "Zimmer" not in text
    assert not re.search(r"\d{7}", text)
    assert "|" not in text


@given(CUSTOMERS, CALLS, st.sampled_from(PLANS), INSTANTS)
def test_an_untrusted_number_gets_what_an_ordinary_customer_gets(
    customer: Customer, call: CallFacts, plan_: SitePlan, now: datetime
) -> None:
    ordinary = Customer("c-9", tier=plan_.default_tier, language=customer.language, skills=customer.skills)
    for trust in ("failed", "withheld"):
        facts = CallFacts(call.call_id, call.from_number, call.to, call.language, call.skills, trust)
        decision = decide(Caller(customer), facts, plan_, now)
        expected = plan(Caller(ordinary), facts, plan_, now)
        assert decision.ladder.steps == expected.steps
        assert decision.ladder.head_start_ms == expected.head_start_ms
        assert not decision.greet_by_name


@given(CUSTOMERS, CALLS, st.sampled_from(PLANS), INSTANTS)
def test_a_shared_number_greets_nobody_and_routes_the_same(
    customer: Customer, call: CallFacts, plan_: SitePlan, now: datetime
) -> None:
    alone, shared = (decide(Caller(customer, shared), call, plan_, now) for shared in (False, True))
    assert not shared.greet_by_name
    assert alone.ladder == shared.ladder
