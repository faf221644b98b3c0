"""The plan through the door: published once, followed everywhere, shown to those who wait."""

from __future__ import annotations

import asyncio
import json
import logging

from config.settings import Settings
from config.source import read_source
from router.app import reload
from tests.support.service import Change, changed, serving, write_config, write_plan
from tests.support.waiting import wait_until

ADA, BRUNO, NOBODY = "+12025550110", "+12025550112", "+12025550177"


async def text_of(api) -> str:
    return str((await api.get("/v1/plan", Accept="application/yaml")).text)


def titled(title: str) -> Change:
    return lambda plan: plan.update(title=title)


async def test_the_plan_is_read_as_json_or_as_it_was_written(api):
    shown = await api.get("/v1/plan")
    assert (shown.json["version"], shown.json["source"], shown.json["author"]) == (1, "file", "files")
    assert shown.json["plan"]["title"] == "Sample site"
    assert (await text_of(api)).startswith("# The sample site.")
    assert (await api.get("/v1/plan", If_None_Match=shown.headers["ETag"])).status == 304


async def test_a_plan_is_published_in_yaml_or_json_and_listed(api):
    raw = changed(await text_of(api), lambda plan: plan.update(title="Changed"))
    put = await api.ask("PUT", "/v1/plan", raw=raw, Content_Type="application/yaml")
    assert (put.status, put.json["version"], put.json["author"]) == (200, 2, "admin:admin")
    plan = read_source(raw, "plan.yaml").value | {"title": "Again"}
    again = await api.put("/v1/plan", plan)
    assert (again.status, again.json["version"]) == (200, 3)
    assert (await api.get("/v1/plan")).json["plan"]["title"] == "Again"
    same = await api.put("/v1/plan", plan)
    assert same.json["version"] == 3
    listed = (await api.get("/v1/plan/versions?limit=2")).json
    older = (await api.get(f"/v1/plan/versions?limit=2&cursor={listed['next_cursor']}")).json
    assert [version["version"] for version in listed["items"] + older["items"]] == [3, 2, 1]
    assert older["next_cursor"] is None


async def test_a_stale_edit_is_a_412_and_changes_nothing(api):
    etag = (await api.get("/v1/plan")).headers["ETag"]
    text = await text_of(api)
    one = changed(text, lambda plan: plan.update(title="One"))
    two = changed(text, lambda plan: plan.update(title="Two"))
    assert (await api.ask("PUT", "/v1/plan", raw=one, If_Match=etag)).status == 200
    stale = await api.ask("PUT", "/v1/plan", raw=two, If_Match=etag)
    assert (stale.status, stale.slug) == (412, "stale")
    assert (await api.get("/v1/plan")).json["plan"]["title"] == "One"


async def test_of_many_who_edit_the_same_version_one_wins(api):
    etag = (await api.get("/v1/plan")).headers["ETag"]
    text = await text_of(api)
    raws = [changed(text, titled(f"T{n}")) for n in range(12)]
    answers = await asyncio.gather(*(api.ask("PUT", "/v1/plan", raw=raw, If_Match=etag) for raw in raws))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 11
    assert (await api.get("/v1/plan")).json["version"] == 2


async def test_errors_name_file_line_and_cure(api):
    text = await text_of(api)
    for raw, line, words in (
        (text.replace("head_start: 30m", "head_start: soon").encode(), 9, "duration"),
        (text.replace("- {then: vip}", "- {then: nowhere}").encode(), None, "nowhere"),
        (changed(text, lambda plan: plan["ladders"].update(vip=[{"then": "vip"}])), None, "vip"),
        (b"title: [", 2, ""),
        (b"", 1, ""),
        (b"\xff\xfe", 1, "UTF-8"),
        (b'{"title": "x"}', 1, "missing"),
        (b"- a", 1, ""),
        (b"title: &a [*a]", 1, ""),
        (b"a: " * 2000, 1, ""),
        (b"\x00", 1, ""),
        (b"[" * 5000, 1, ""),
    ):
        answered = await api.ask("PUT", "/v1/plan", raw=raw)
        assert (answered.status, answered.slug) == (422, "invalid-plan"), raw[:60]
        first = answered.json["errors"][0]
        assert first["file"] == "plan.yaml"
        assert line in (None, first["line"]), first
        assert words in json.dumps(answered.json), first
    assert (await api.ask("PUT", "/v1/plan", raw=b"x" * 70_000)).slug == "too-large"
    form = await api.ask("PUT", "/v1/plan", raw=b"a=b", Content_Type="application/x-www-form-urlencoded")
    assert (form.status, form.slug) == (415, "not-a-plan")
    assert (await api.get("/v1/plan")).json["version"] == 1


async def test_a_dry_run_lints_and_publishes_nothing(api):
    text = await text_of(api)
    raw = changed(text, lambda plan: plan["tiers"][0].update(head_start="300d"))
    dry = await api.ask("PUT", "/v1/plan?dry_run=1", raw=raw)
    assert dry.status == 200
    assert all(finding["line"] and finding["severity"] for finding in dry.json["findings"])
    assert (await api.ask("PUT", "/v1/plan?dry_run=1", raw=b"title: [")).slug == "invalid-plan"
    assert (await api.ask("PUT", "/v1/plan?dry_run=maybe", raw=raw)).slug == "invalid"
    assert (await api.get("/v1/plan")).json["version"] == 1


async def test_every_process_follows_within_a_second(database, tmp_path):
    config = write_config(tmp_path / "config")
    async with serving(database, config) as one, serving(database, config) as two:
        raw = changed(await text_of(one), lambda plan: plan.update(title="News"))
        await one.ask("PUT", "/v1/plan", raw=raw)

        async def followed():
            return (await two.get("/v1/plan")).json["plan"]["title"] == "News"

        await wait_until(followed, 1.0)
        call = await two.call("n", NOBODY)
        assert call["state"] == "waiting"


async def test_a_call_is_routed_though_its_process_has_an_old_plan(database, tmp_path):
    config = write_config(tmp_path / "config")
    async with serving(database, config) as one, serving(database, config) as two:
        for turn in range(5):
            raw = changed(await text_of(one), titled(f"T{turn}"))
            await one.ask("PUT", "/v1/plan", raw=raw)
            assert (await two.call(f"c{turn}", NOBODY))["state"] == "waiting"


async def test_files_are_published_when_they_changed_and_a_plan_by_hand_survives_a_restart(database, tmp_path):
    config = write_config(tmp_path / "config")
    async with serving(database, config) as api:
        raw = changed(await text_of(api), lambda plan: plan.update(title="By hand"))
        await api.ask("PUT", "/v1/plan", raw=raw)
    async with serving(database, config) as api:
        shown = (await api.get("/v1/plan")).json
        assert (shown["version"], shown["plan"]["title"]) == (2, "By hand")
    write_plan(config, lambda plan: plan.update(title="By file"))
    async with serving(database, config) as api:
        shown = (await api.get("/v1/plan")).json
        assert (shown["version"], shown["plan"]["title"], shown["source"]) == (3, "By file", "file")
        write_plan(config, lambda plan: plan.update(title="By signal"))
        await reload(api.app, Settings(config=config))
        assert (await api.get("/v1/plan")).json["plan"]["title"] == "By signal"
        (config / "plan.yaml").write_text("title: [")
        await reload(api.app, Settings(config=config))
        assert (await api.get("/v1/plan")).json["version"] == 4


async def test_seeds_are_created_when_absent_and_never_overwritten(database, tmp_path):
    config = write_config(tmp_path / "config")
    async with serving(database, config) as api:
        await api.put("/v1/customers/c-1000", {"name": "Changed"})
        await api.put("/v1/agents/agent-7", {"name": "Changed", "groups": {"vip": 1}})
        await api.ready("agent-7")
    async with serving(database, config) as api:
        assert (await api.get("/v1/customers/c-1000")).json["name"] == "Changed"
        agent = (await api.get("/v1/agents/agent-7")).json
        assert (agent["name"], agent["state"]) == ("Changed", "ready")


async def test_seeds_that_were_deleted_since_stay_deleted(database, tmp_path):
    config = write_config(tmp_path / "config")
    async with serving(database, config) as api:
        assert (await api.ask("DELETE", "/v1/customers/c-1000")).status == 204
        assert (await api.ask("DELETE", "/v1/agents/agent-7")).status == 204
    async with serving(database, config) as api:
        assert (await api.get("/v1/customers/c-1000")).status == 404
        assert (await api.get("/v1/agents/agent-7")).status == 404
        assert (await api.get("/v1/agents/agent-3")).status == 200


async def test_waiting_calls_keep_their_place_and_get_the_new_ladder(api):
    await api.ready("agent-5", "agent-7")
    held = [await api.call("ada", ADA), await api.call("x", "+12025550113")]
    assert [call["state"] for call in held] == ["offered", "offered"]
    asked = await api.call("bruno", BRUNO)
    waiting = await api.call("n", NOBODY)

    def shorter(plan):
        plan["ladders"]["general"] = [{"step": "general", "to": "general", "wait": "1s"}, {"step": "desk", "to": "vip"}]

    await api.ask("PUT", "/v1/plan", raw=changed(await text_of(api), shorter))

    async def moved():
        return (await api.look("n"))["step"] == "desk"

    await wait_until(moved)
    after = await api.look("n")
    assert (after["lanes"], after["accepted_at"]) == (["general", "vip"], waiting["accepted_at"])
    rows = [row["event"] for row in after["timeline"]]
    assert "call.rerouted" in rows
    still = await api.look("bruno")
    assert (still["state"], still["choice"]["expires_at"]) == ("choosing", asked["choice"]["expires_at"])


async def test_a_walk_that_another_process_began_is_finished(api):
    """`p:<version>` stands among the deadlines until somebody has shown the plan to every call."""
    site = api.site
    await api.call("n", NOBODY)
    await site.channel.call("ZADD", site.keys.deadlines, 1, f"p:{site.active.version}")

    async def done():
        return await site.channel.call("ZSCORE", site.keys.deadlines, f"p:{site.active.version}") is None

    await wait_until(done)


async def test_a_version_set_back_by_a_process_that_died_is_put_right(api):
    """It had read an older plan, was slow to set it, and did not live to see the newer one."""
    raw = changed(await text_of(api), titled("Newer"))
    await api.ask("PUT", "/v1/plan", raw=raw)
    await api.site.channel.call("HSET", api.site.keys.guide, "v", "1")
    assert (await api.call("n", NOBODY))["state"] == "waiting"


async def test_publishing_answers_what_the_linter_thinks(api):
    plan = (await api.get("/v1/plan")).json["plan"]
    plan["groups"]["night"] = {"title": "Night desk"}
    answered = await api.put("/v1/plan", plan)
    assert answered.status == 200
    assert [one["pointer"] for one in answered.json["findings"] if "night" in one["pointer"]] == ["/groups/night"]


async def test_the_service_names_them_when_it_goes_by_the_plan(api, caplog):
    """Secrets that the plan asks for and nobody has set."""
    twilio = {"twilio": {"account_sid": {"env": "PBX_SID"}, "auth_token": {"env": "PBX_TOKEN"}}}
    raw = changed(await text_of(api), lambda plan: plan.update(telephony=twilio))
    with caplog.at_level(logging.WARNING):
        assert (await api.ask("PUT", "/v1/plan", raw=raw, Content_Type="application/yaml")).status == 200
    (said,) = [str(vars(record)) for record in caplog.records if record.message == "secrets not set"]
    assert "PBX_SID, PBX_TOKEN" in said
