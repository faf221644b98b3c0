"""Whom the Asterisk adapter believes, and what its part of the plan must say."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import yaml

from config.ari import Ari
from config.loading import read_plan
from config.problems import PlanInvalid
from ivr.ari.heard import Channel
from ivr.ari.offered import offered
from tests.support.plans import SAMPLE

ASTERISK = {"user": "vipline", "password": {"env": "ARI_PASSWORD"}}


def part(**more: Any) -> Ari:
    return Ari.model_validate({"asterisks": {"pbx1": ASTERISK}, **more})


def came(endpoint: str = "PJSIP/trunk", number: str = "12025550123", **more: Any) -> Channel:
    return Channel("1", endpoint, "Ring", number, "12025550100", "", more)


TRUSTED = {"trusted": ["trunk"]}


@pytest.mark.parametrize(
    ("args", "trust"),
    [
        (("verstat=TN-Validation-Passed-A",), "verified"),
        (("verstat=TN-Validation-Passed-A-Diverted",), "partial"),
        (("verstat=TN-Validation-Failed",), "failed"),
        (("verstat=TN-Validation-Passed-A", "verstat=TN-Validation-Passed-B"), "none"),
        (("verstat=TN-Validation-Passed-A>",), "verified"),
        (("verstat=TN-Validation-Failed>",), "failed"),
        (("verstat=TN-Validation-Passed-A", "verstat=TN-Validation-Failed"), "failed"),
        (("verstat=TN-Validation-Passed-A", "verified=failed"), "failed"),
        (("verstat=phone",), "none"),
        (("verstat=",), "none"),
        (("attest=A", "verified=passed"), "verified"),
        (("attest=A", "verified=passed", "verified=failed"), "failed"),
        (("attest=A", "verified=failed"), "failed"),
        (("attest=A",), "none"),
        ((), "none"),
    ],
)
def test_how_far_a_number_is_vouched_for(args: tuple[str, ...], trust: str) -> None:
    assert offered(came(), args, part(**TRUSTED)).trust == trust


HEADER = '"Marlow, Ada" <sip:+12025550123;verstat={}@carrier.example;user=phone>'


@pytest.mark.parametrize(
    "header", [HEADER, "<sip:+12025550123@carrier.example;user=phone;verstat={}>", "<tel:+12025550123;verstat={}>"]
)
@pytest.mark.parametrize("encoded", [True, False])
def test_the_dialplan_may_give_the_whole_header(header: str, encoded: bool) -> None:
    """`encoded`: by the dialplan's URIENCODE."""

    def trust(word: str) -> str:
        text = header.format(word)
        return offered(came(), (f"verstat={quote(text, safe='') if encoded else text}",), part(**TRUSTED)).trust

    assert trust("TN-Validation-Passed-A") == "verified"
    assert trust("TN-Validation-Failed-B") == "failed"
    assert trust("No-TN-Validation") == "none"


def test_what_a_header_had_encoded_itself_is_not_decoded_into_parameters() -> None:
    smuggled = "<sip:+12025550123%3Bverstat%3DTN-Validation-Passed-A@carrier.example>"
    for header in (smuggled, quote(smuggled, safe="")):
        assert offered(came(), (f"verstat={header}",), part(**TRUSTED)).trust == "none"


def test_headers_of_others_do_not_count() -> None:
    """Somebody at an endpoint the plan does not trust claims everything."""
    args = ("verstat=TN-Validation-Passed-A", "diverted=+12025550111")
    told = offered(came("PJSIP/anonymous"), args, part(**TRUSTED))
    assert (told.trust, told.diverted_from) == ("gateway", None)
    assert offered(came(), args, part(**TRUSTED)).diverted_from == "+12025550111"


@pytest.mark.parametrize(
    ("plus", "endpoint", "number", "heard"),
    [
        (True, "PJSIP/trunk", "12025550123", "+12025550123"),
        (False, "PJSIP/trunk", "12025550123", "12025550123"),
        (True, "PJSIP/other", "12025550123", "12025550123"),
        (True, "PJSIP/trunk", "+12025550123", "+12025550123"),
        (True, "PJSIP/trunk", "100", "100"),
        (True, "PJSIP/trunk", "anonymous", "anonymous"),
        (True, "PJSIP/trunk", "", None),
    ],
)
def test_a_plus_is_put_before_a_number_only_where_the_plan_says_so(
    plus: bool, endpoint: str, number: str, heard: str | None
) -> None:
    assert offered(came(endpoint, number), (), part(**TRUSTED, plus=plus)).from_number == heard


def test_what_the_dialplan_says_comes_before_what_the_channel_knows() -> None:
    told = offered(came(), ("to=+12025550188", "from=+12025550199"), part(**TRUSTED))
    assert (told.from_number, told.to_number) == ("+12025550199", "+12025550188")
    assert offered(came(), (), part(**TRUSTED)).to_number == "12025550100"


# ---------------------------------------------------------------- its part of the plan


def refused(section: dict[str, Any]) -> str:
    plan = yaml.safe_load((SAMPLE / "plan.yaml").read_text())
    plan["telephony"] = {"ari": section}
    with pytest.raises(PlanInvalid) as invalid:
        read_plan(yaml.safe_dump(plan, sort_keys=False))
    (problem,) = invalid.value.errors
    assert problem.line > 1
    return f"{problem.pointer}: {problem.message}; {problem.fix}"


def test_what_is_wrong_with_a_plan_is_told_with_its_place() -> None:
    asterisks = {"pbx1": ASTERISK}
    assert refused({"asterisks": {}}).startswith("/telephony/ari/asterisks")
    assert "need a `url`" in refused({"asterisks": {"pbx1": ASTERISK | {"rest": "http"}}})
    assert "{file}" in refused({"asterisks": asterisks, "speak": {"command": ["espeak-ng"], "folder": "x"}})
    assert refused({"asterisks": asterisks, "nunber": "x"}).endswith("write `number` if that was meant, else remove it")
    assert "/telephony/ari/asterisks/pbx1/url" in refused({"asterisks": {"pbx1": ASTERISK | {"url": "ws://x"}}})
    assert "/telephony/ari/number" in refused({"asterisks": asterisks, "number": "PJSIP/100"})
