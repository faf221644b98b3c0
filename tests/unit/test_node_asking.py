"""What platforms ask, whatever they call things; and answers, whole, in their envelopes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.node import Node
from config.parts import Secret
from ivr.node.answers import DECISION, LOOKUP, default, encode
from ivr.node.asking import MAX_CALL, MAX_FIELDS, Question, Unreadable, call_id_of, pairs_of, question_of
from ivr.node.books import platform_id

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def node(**more: Any) -> Node:
    return Node(secrets=(Secret(env="NODE_SECRET"),), **more)


def asked(query: str = "", kind: str = JSON, body: bytes = b"", **more: Any) -> Question:
    return question_of(node(**more), pairs_of(query, kind, body))


def test_in_the_address_a_form_or_json() -> None:
    expected = Question("c-1", "+8613900001111", "95588")
    query = "call_id=c-1&caller=%2B8613900001111&called=95588"
    assert asked(query) == expected
    assert asked("", FORM, query.encode()) == expected
    told = {"call_id": "c-1", "caller": "+8613900001111", "called": 95588, "nested": {"a": 1}, "list": [1], "no": None}
    assert asked("", JSON, json.dumps(told).encode()) == expected


def test_a_dynamic_ivr_asks() -> None:
    """Alibaba's: GET, its parameters appended."""
    query = "caller=1390000****&serviceNumber=0571****5678&timestamp=1504174341229&uuid=1100001616500%5E10000187&dtmf=1"
    found = asked(query.replace("*", "0"), preset="alibaba")
    assert (found.caller, found.called, found.digits) == ("13900000000", "057100005678", "1")
    assert found.call_id.startswith("node-")
    assert asked(query.replace("*", "0"), preset="alibaba").call_id == found.call_id


def test_a_flow_of_tcccs_asks() -> None:
    """Tencent's: POST, JSON, names and values as the flow's author sets them."""
    told = {"callerNumber": "008613900001111", "calleeNumber": "0755000000", "sessionId": "6bb56a09278740bc80c5dc6d"}
    found = asked("", "application/json;charset=utf-8".partition(";")[0], json.dumps(told).encode(), preset="tencent")
    assert (found.caller, found.called) == ("008613900001111", "0755000000")
    assert found.call_id == "6bb56a09278740bc80c5dc6d"


def test_names_of_the_plans_own() -> None:
    found = asked("who=%2B1&cid=7&caller=2", fields={"caller": ("who",), "call": ("cid",)})
    assert (found.caller, found.call_id) == ("+1", "7")


def test_the_first_name_that_says_something_counts() -> None:
    assert asked("caller=&callerNumber=123&tel=456").caller == "123"


def test_a_name_that_comes_twice_says_nothing() -> None:
    assert asked("caller=1&caller=2&tel=3").caller == "3"
    assert asked("caller=1", JSON, b'{"caller": "2"}').caller == ""


def test_a_plus_where_the_plan_says_so() -> None:
    assert asked("caller=8613900001111", plus=True).caller == "+8613900001111"
    assert asked("caller=8613900001111").caller == "8613900001111"
    assert asked("caller=013900001111", plus=True).caller == "013900001111"
    assert asked("caller=95588", plus=True).caller == "95588"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"{"),
        (JSON, b"[]"),
        (JSON, b"[" * 9_000),
        (JSON, b"\xff"),
        (JSON, json.dumps({str(at): "x" for at in range(MAX_FIELDS + 1)}).encode()),
        (FORM, b"&".join(b"a=b" for _ in range(MAX_FIELDS + 1))),
        (FORM, b"\xff\xfe=1"),
    ],
)
def test_what_cannot_be_read(kind: str, body: bytes) -> None:
    with pytest.raises(Unreadable):
        pairs_of("", kind, body)


def test_ids_are_kept_or_named() -> None:
    assert call_id_of("a-1:2@b/c=d+e._") == "a-1:2@b/c=d+e._"
    assert call_id_of("") == ""
    for odd in ("134523^4351232", "通话", "a b", "x" * (MAX_CALL + 1)):
        assert call_id_of(odd).startswith("node-")
        assert call_id_of(odd) == call_id_of(odd)
    assert platform_id("a:again2") == "a"
    assert platform_id("a:again") == "a:again"
    assert platform_id("a") == "a"


@given(st.binary(max_size=200), st.text(max_size=60), st.sampled_from([JSON, FORM, "text/plain", ""]))
def test_anything_is_a_question_or_unreadable(body: bytes, query: str, kind: str) -> None:
    try:
        found = question_of(node(), pairs_of(query, kind, body))
    except Unreadable:
        return
    assert len(found.call_id) <= 128


ANSWER = {**DECISION, "action": "agent", "target": "13900001111", "display": "057100005678"}


def test_envelopes() -> None:
    assert json.loads(encode(node(), ANSWER, True)) == ANSWER
    ret = json.loads(encode(node(envelope="ret"), ANSWER, True))
    assert ret == {"retCode": "0", "retMsg": "ok", **ANSWER}
    sobot = json.loads(encode(node(envelope="ret", codes=("000000", "999999")), ANSWER, False))
    assert (sobot["retCode"], sobot["target"]) == ("999999", "13900001111")
    code = json.loads(encode(node(envelope="code"), ANSWER, False))
    assert code == {"code": "1", "message": "no decision", "data": ANSWER}


def test_a_dynamic_ivr_is_answered() -> None:
    """Alibaba's published answer, with more beside what it reads."""
    found = json.loads(encode(node(preset="alibaba"), ANSWER, True))
    assert found["result"] == "success"
    assert {"called": "13900001111", "showNumber": "057100005678"}.items() <= found["data"].items()
    assert json.loads(encode(node(preset="alibaba"), dict(DECISION), False))["result"] == "fail"


def test_names_of_answers() -> None:
    found = json.loads(encode(node(names={"target": "vipAgent"}), ANSWER, True))
    assert found["vipAgent"] == "13900001111"
    assert "target" not in found


def test_a_default_is_whole() -> None:
    for decision in ("route", "menu", "callback", "event"):
        assert default(decision, node(default="8000")) == {**DECISION, "target": "8000"}
    assert default("lookup", node(default="8000")) == LOOKUP
