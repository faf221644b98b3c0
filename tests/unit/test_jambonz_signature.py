"""`Jambonz-Signature`: the golden vector, the window, several signatures and secrets, and everything else is a no."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ivr.jambonz.signature import TOLERANCE_S, is_signed, signature_of

SECRET, OTHER = b"wh_secret", b"another"
BODY = b'{"call_sid":"c1"}'
NOW = 1_700_000_000


def header(*secrets: bytes, at: int = NOW, body: bytes = BODY) -> str:
    made = ",".join(f"v1={signature_of(secret, str(at), body).decode()}" for secret in secrets)
    return f"t={at},{made}"


def test_the_golden_vectors(reference: Path) -> None:
    vectors = json.loads((reference / "signature_vectors.json").read_text())["jambonz"]
    assert vectors
    for vector in vectors:
        given = [vector["header"].partition(": ")[2]]
        secret, body = vector["secret"].encode(), vector["raw_body"].encode()
        assert is_signed(given, [secret], body, vector["timestamp"])
        assert not is_signed(given, [secret], body + b" ", vector["timestamp"])
        assert not is_signed(given, [secret + b"x"], body, vector["timestamp"])


def test_any_of_several_signatures_by_any_of_several_secrets() -> None:
    assert is_signed([header(OTHER, SECRET)], [SECRET], BODY, NOW)
    assert is_signed([header(SECRET)], [OTHER, SECRET], BODY, NOW)
    assert not is_signed([header(OTHER)], [SECRET], BODY, NOW)


@pytest.mark.parametrize("away", [-TOLERANCE_S, TOLERANCE_S])
def test_only_within_the_window(away: int) -> None:
    beyond = 1 if away > 0 else -1
    assert is_signed([header(SECRET)], [SECRET], BODY, NOW + away)
    assert not is_signed([header(SECRET)], [SECRET], BODY, NOW + away + beyond)


GOOD = signature_of(SECRET, str(NOW), BODY).decode()


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [header(SECRET), header(SECRET)],
        [""],
        [f"v1={GOOD}"],
        [f"t={NOW}"],
        [f"t={NOW},t={NOW},v1={GOOD}"],
        [f"t=-{NOW},v1={GOOD}"],
        [f"t={NOW}.0,v1={GOOD}"],
        [f"t=١٧٠٠٠٠٠٠٠٠,v1={GOOD}"],
        [f"t={'9' * 400},v1={GOOD}"],
        [f"t={NOW},v0={GOOD}"],
        [f"t={NOW},v1={GOOD[:-1]}"],
        [f"t={NOW},v1={GOOD.upper()}"],
        [f"t={NOW}," + ",".join([f"v1={'0' * 64}"] * 8 + [f"v1={GOOD}"])],
        ["t=1700000000,v1=\udcff\ud800"],
    ],
)
def test_what_is_unclear_is_a_no(headers: list[str]) -> None:
    assert not is_signed(headers, [SECRET], BODY, NOW)


def test_without_a_secret_nothing_is_signed() -> None:
    assert not is_signed([header(b"")], [], BODY, NOW)
