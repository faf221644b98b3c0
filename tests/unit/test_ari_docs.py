"""docs/asterisk.md is true: its files agree with each other, with its plan, and with what the adapter expects."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from config.ari import Ari, Asterisk, Speak
from config.loading import read_plan
from ivr.ari.hooks import ROOT
from ivr.ari.offered import told_by
from ivr.ari.rest import AT_ONCE
from ivr.ari.targets import endpoint_of
from tests.support.plans import SAMPLE

TEXT = (SAMPLE.parent / "docs" / "asterisk.md").read_text()
BLOCKS = dict(re.findall(r"```ini ([^\n]+)\n(.*?)```", TEXT, re.DOTALL))
FILES: dict[str, str] = {}
for title, block in BLOCKS.items():  # of either way
    file = title.partition(", ")[0]
    FILES[file] = FILES.get(file, "") + block
PLAN = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0]

Section = dict[str, list[str]]


def sections(name: str) -> list[tuple[str, Section]]:
    """Asterisk's way of writing: `[name](template)`, `key = value` and `key => value`, names may come again."""
    found: list[tuple[str, Section]] = []
    for line in FILES[name].splitlines():
        line = line.strip()
        if not line or line.startswith(";"):
            continue
        if (head := re.fullmatch(r"\[([\w.-]+)\](\(([\w!,-]*)\))?", line)) is not None:
            found.append((head[1], {}))
            continue
        key, value = re.fullmatch(r"([\w-]+) =>? ?(.*)", line).groups()  # type: ignore[union-attr]
        found[-1][1].setdefault(key, []).append(value)
    return found


def one(name: str, section: str, kind: str = "") -> Section:
    (found,) = [
        body for title, body in sections(name) if title == section and (not kind or body.get("type", [""])[0] == kind)
    ]
    return found


@pytest.fixture
def part() -> Ari:
    plan = yaml.safe_load((SAMPLE / "plan.yaml").read_text())
    plan["telephony"] = yaml.safe_load(PLAN)["telephony"]
    found = read_plan(yaml.safe_dump(plan)).site.telephony.ari
    assert found is not None
    return found


def test_the_http_server_is_where_the_plan_says(part: Ari) -> None:
    general = one("http.conf", "general")
    assert part.asterisks["pbx1"].url == f"http://{general['bindaddr'][0]}:{general['bindport'][0]}"
    assert general["enabled"] == ["yes"]
    assert int(general["sessionlimit"][0]) > AT_ONCE + 1


def test_the_user_of_the_plan_may_do_everything(part: Ari) -> None:
    user = one("ari.conf", part.asterisks["pbx1"].user)
    assert user["type"] == ["user"]
    assert user["read_only"] == ["no"]
    assert user["password_format"] == ["plain"]


def test_the_outbound_connection_reaches_our_route(part: Ari) -> None:
    outbound = one("ari.conf", "pbx1", "outbound_websocket")
    assert outbound["apps"] == [part.asterisks["pbx1"].app]
    assert outbound["local_ari_user"] == [part.asterisks["pbx1"].user]
    client = one("websocket_client.conf", outbound["websocket_client_id"][0], "websocket_client")
    assert client["uri"][0].endswith(f"{ROOT}/main/pbx1")
    assert client["protocols"] == ["ari"]
    assert client["username"] == [part.asterisks["pbx1"].user]
    assert client["connection_type"] == ["persistent"]


def test_the_dialplan_enters_our_application_as_a_caller(part: Ari) -> None:
    entered = re.findall(r"Stasis\((.*)\)\n", FILES["extensions.conf"])
    assert len(entered) == 1
    app, role, *rest = entered[0].split(",")
    assert (app, role) == (part.asterisks["pbx1"].app, "caller")
    assert set(told_by(tuple(rest))) == {"to", "verstat"}
    for word in ("to", "from", "diverted", "verstat", "attest", "verified"):
        assert f"`{word}=`" in TEXT


def test_trunk_and_telephones_are_the_plan_s(part: Ari) -> None:
    endpoints = {name for name, body in sections("pjsip.conf") if body.get("type") == ["endpoint"]}
    assert set(part.trusted) <= endpoints
    assert endpoint_of("+12025550123", part).partition("@")[2] in endpoints
    trunk = one("pjsip.conf", "trunk", "endpoint")
    assert trunk["context"][0] in {name for name, _ in sections("extensions.conf")}
    assert one("pjsip.conf", "100", "aor")["max_contacts"] == ["1"]
    assert endpoint_of("PJSIP/100", part) == "PJSIP/100"


def test_it_names_every_key_there_is() -> None:
    for model in (Ari, Asterisk, Speak):
        for key in model.model_fields:
            assert f"| `{key}` |" in TEXT, key


def test_the_command_of_the_sample_reads_its_input(part: Ari) -> None:
    assert part.speak is not None
    assert "--stdin" in part.speak.command
    assert not any("{text}" in word for word in part.speak.command)
    assert Path(part.speak.folder).is_absolute()
