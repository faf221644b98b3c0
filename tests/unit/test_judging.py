"""What was said of owners is judged by the owners: by when they turned to somebody, whoever had been told."""

from __future__ import annotations

from router.domain.judging import Estimate, Hours, Owners, Promise, Quality

AT = 1_700_000_000_000
MINUTE = 60_000
SAID = Estimate(2 * MINUTE, 4 * MINUTE)
"""Spoken: about two minutes, at most five."""


def promised(*ahead: int) -> Owners:
    owners = Owners()
    for each in ahead:
        owners.promise("ann", Promise(AT, SAID, each))
    return owners


def judged(owners: Owners, now_ms: int = AT) -> Quality:
    return owners.hours.quality(now_ms)


def test_an_owner_who_is_free_within_what_was_said_is_a_hit():
    owners = promised(0)
    assert owners.turned("ann", AT + 3 * MINUTE, idle=False)
    assert judged(owners) == Quality(1, 1, MINUTE)
    assert not owners.turned("ann", AT + 4 * MINUTE, idle=False)


def test_of_another_agent_nothing_was_said():
    owners = promised(0)
    assert not owners.turned("bob", AT + MINUTE, idle=True)
    assert judged(owners) == Quality()


def test_who_stood_behind_others_is_judged_by_the_turn_after_theirs():
    owners = promised(0, 2)
    for turn in (1, 2):
        owners.turned("ann", AT + turn * MINUTE, idle=False)
        assert judged(owners).answers == 1
    owners.turned("ann", AT + 3 * MINUTE, idle=False)
    assert judged(owners) == Quality(2, 2, 2 * MINUTE)


def test_an_owner_with_nobody_left_before_them_would_have_come():
    owners = promised(2)
    owners.turned("ann", AT + 2 * MINUTE, idle=True)
    assert judged(owners) == Quality(1, 1, 0)


def test_an_owner_who_does_not_come_is_a_miss_as_soon_as_the_time_has_passed_and_only_once():
    owners = promised(0)
    assert not owners.overlook(AT + 5 * MINUTE)
    assert owners.overlook(AT + 6 * MINUTE)
    assert judged(owners) == Quality(1, 0, 4 * MINUTE)
    assert not owners.turned("ann", AT + 9 * MINUTE, idle=True)
    assert owners.open == {}


def test_survives_being_written_down():
    owners = promised(0, 2)
    owners.turned("ann", AT + MINUTE, idle=False)
    assert Owners.load(owners.dump()) == owners
    hours = Hours()
    hours.judge(SAID, MINUTE, AT)
    assert Hours.load({str(bucket): kept for bucket, kept in hours.dump().items()}).quality(AT) == Quality(1, 1, MINUTE)
