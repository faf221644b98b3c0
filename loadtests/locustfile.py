"""The load's users. One stands for all callers, who come whether or not anybody answers (open loop); each agent is one.

Started by `python -m loadtests`, never alone: the far end (loadtests/farend.py) plays the telephones.
"""

from __future__ import annotations

import json
import os
import random
import time
import urllib.request
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import FastHttpUser, constant, events, task
from locust.env import Environment

from loadtests.carriers.heard import Why
from loadtests.options import Options
from loadtests.people import Crowd, Drawn
from loadtests.shapes import arrivals, talk_s
from loadtests.site import OPEN, agents_for

OPTIONS = Options.read()
FAR = os.environ["VIPLINE_LOAD_FAR"]
ADMIN = {"Authorization": f"Bearer {os.environ['VIPLINE_ADMIN_TOKEN']}"}
DRAIN_S = 90.0 + (60.0 if OPTIONS.kill else 0.0)
"""Calls whose end nobody could tell us of are found by looking, within two minutes."""
AGAIN: dict[int, Why] = {0: "cut", 502: "unable", 503: "unable", 504: "unable"}
"""Answers after which whoever speaks to our API asks once more, as it says."""
AGAIN_S, PATIENCE_S = 0.25, 30.0
VANISHES, APP_TAKES, APP_DECLINES, IGNORES = 0.07, 0.10, 0.03, 0.05
"""What an agent does on the screen at an offer; the telephone sees to the rest."""


def far(method: str, path: str, body: Any = None) -> Any:
    """The far end is the load's own: its answers are not measured."""
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(FAR + path, data, method=method), timeout=30) as answer:
        return json.loads(answer.read())


class Went:
    """How requests went and what they were told, until the far end has been told of it."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.answered: list[tuple[float, float]] = []
        self.missed: list[tuple[float, float, str, Why, bool]] = []
        self.made: list[str] = []
        self.connected: dict[str, str] = {}
        self.finished: list[str] = []
        self.sent = 0
        self.late_s = 0.0

    def tell(self) -> None:
        """OSError: the far end does not answer; it is told the next time."""
        told = dict(vars(self))
        self._clear()
        try:
            if any(told.values()):
                far("POST", "/went", told)
        except OSError:
            for name, before in told.items():
                now = getattr(self, name)
                setattr(self, name, _both(before, now))
            raise


def _both(before: Any, now: Any) -> Any:
    if isinstance(before, float):
        return max(before, now)
    return before | now if isinstance(before, dict) else before + now


WENT = Went()


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def collect_samples(environment: Environment, **_: Any) -> None:
    """Our hooks' times, measured where a carrier would feel them, stand in the same statistics."""

    def collect() -> None:
        while True:
            gevent.sleep(0.5)
            try:
                WENT.tell()
                fresh = far("GET", "/samples")
            except OSError:
                continue  # a machine that is so busy says so elsewhere
            for page, ms in fresh:
                environment.events.request.fire(  # type: ignore[no-untyped-call]
                    request_type="HOOK", name=page, response_time=ms, response_length=0, exception=None, context={}
                )

    gevent.spawn(collect)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def tell_the_rest(**_: Any) -> None:
    WENT.tell()


class Api(FastHttpUser):
    """Whoever speaks to our API."""

    abstract = True
    wait_time = constant(0)
    token = ADMIN

    def ask(
        self, method: str, path: str, name: str, body: Any = None, *fine: int, token: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """`fine`: refusals that are no failure, such as an offer that has passed. Unanswered, it is asked once more."""
        told = {"name": f"{method} {name}", "json": body, "headers": token or self.token, "catch_response": True}
        until = time.monotonic() + PATIENCE_S
        while True:
            began = time.time()
            with self.client.request(method, path, **told) as response:
                status = response.status_code
                try:
                    answer = json.loads(response.text or "null")
                except ValueError:
                    answer = {}
                    response.failure("no JSON")
                if status in fine:
                    response.success()
            if status in fine or 200 <= status < 400:
                WENT.answered.append((began, time.time()))
                return status, answer
            again = status in AGAIN and time.monotonic() < until
            why = _why(status, getattr(response, "error", None))
            WENT.missed.append((began, time.time(), f"{method} {name}", why, not again))
            if not again:
                return status, answer
            gevent.sleep(AGAIN_S)


def _why(status: int, error: object) -> Why:
    if status == 0 and isinstance(error, ConnectionRefusedError):
        return "refused"
    if status == 0 and isinstance(error, TimeoutError):
        return "slow"
    return AGAIN.get(status, "wrong")


class Callers(Api):
    """All of them."""

    fixed_count = 1

    @task
    def day(self) -> None:
        """Every caller at the appointed time, late only when this machine cannot keep up; then until all is over."""
        crowd, began = Crowd(OPTIONS), time.monotonic()
        chance = random.Random(OPTIONS.seed + 1)
        for number, at_s in enumerate(arrivals(chance, OPTIONS.shape, OPTIONS.rate, OPTIONS.seconds)):
            gevent.sleep(max(0.0, began + at_s - time.monotonic()))
            drawn = crowd.draw()
            WENT.late_s = max(WENT.late_s, time.monotonic() - began - at_s)
            if drawn.way == "api":
                gevent.spawn(self.call_by_api, f"api-{OPTIONS.seed}-{number}", drawn)
            else:
                WENT.sent += 1
                gevent.spawn(far, "POST", "/calls", drawn.document() | {"due": began + at_s})
        until = time.monotonic() + DRAIN_S
        gevent.sleep(1)
        while far("GET", "/living") and time.monotonic() < until:
            gevent.sleep(0.25)
        gevent.sleep(1)
        WENT.tell()
        # Not by ourselves: whoever ends all users must not be one of them.
        gevent.spawn(self.environment.runner.quit)
        gevent.sleep(DRAIN_S)

    def call_by_api(self, call_id: str, drawn: Drawn) -> None:
        """A platform that carries the call itself, and asks us who takes it."""
        body = {"call_id": call_id, "from": drawn.number, "to": OPEN}
        status, call = self.ask("POST", "/v1/calls", "/v1/calls", body)
        if status in (200, 201):
            WENT.made.append(call_id)
        if status in (200, 201) and call["state"] == "choosing" and drawn.answer in ("1", "2", "3"):
            gevent.sleep(8 / OPTIONS.pace)
            choice = {"1": "transfer", "2": "wait", "3": "callback"}[drawn.answer]
            self.ask("POST", f"/v1/calls/{call_id}/choice", "/v1/calls/{id}/choice", {"choice": choice}, 409)
        gevent.sleep(drawn.patience_s / OPTIONS.pace)
        # 404: it ended over a minute ago, and this site has forgotten it.
        status, call = self.ask("GET", f"/v1/calls/{call_id}", "/v1/calls/{id}", None, 404)
        if status == 200 and call["state"] not in ("connected", "ended"):
            self.event(call_id, {"event_id": f"{call_id}-gone", "type": "hangup"})

    def event(self, call_id: str, body: dict[str, str]) -> None:
        self.ask("POST", f"/v1/calls/{call_id}/events", "/v1/calls/{id}/events", body, 409)


class Agents(Api):
    """Each is one agent: sees offers on the screen, and mostly leaves them to the telephone."""

    fixed_count = agents_for(OPTIONS)
    numbers = iter(range(fixed_count))

    def on_start(self) -> None:
        self.chance = random.Random()
        self.agent_id = f"agent-{next(self.numbers)}"
        made = {"role": "agent", "site": "main", "agent_id": self.agent_id}
        _, token = self.ask("POST", "/v1/tokens", "/v1/tokens", made)
        self.token = {"Authorization": f"Bearer {token['secret']}"}
        self.state("ready")

    @task
    def watch(self) -> None:
        if OPTIONS.plain:
            gevent.sleep(DRAIN_S)
            return
        for ring in far("GET", f"/rings/{self.agent_id}"):
            gevent.spawn(self.meet, ring)

    def meet(self, ring: dict[str, str]) -> None:
        mood = self.chance.random()
        gevent.sleep(self.chance.uniform(1, 6) / OPTIONS.pace)
        if mood < VANISHES:
            self.state(self.chance.choice(["offline", "break"]))
            gevent.sleep(self.chance.uniform(20, 90) / OPTIONS.pace)
            self.state("ready")
        elif mood < VANISHES + APP_DECLINES:
            self.offer(ring, "decline")
        elif ring["kind"] in ("j", "kj"):
            if mood < 1 - IGNORES:
                self.take(ring)
        elif mood < VANISHES + APP_DECLINES + APP_TAKES:
            self.offer(ring, "accept")

    def take(self, ring: dict[str, str]) -> None:
        """A call whose telephones are elsewhere."""
        call_id, offer = ring["call"], ring["offer"]
        if self.offer(ring, "accept") != 200:
            return
        path = f"/v1/calls/{call_id}"
        if ring["kind"] == "kj":
            told = {"event_id": f"{offer}-up", "type": "answered", "offer_id": offer}
            self.ask("POST", f"{path}/events", "/v1/calls/{id}/events", told, 409, token=ADMIN)
        gevent.sleep(talk_s(self.chance, "regular") / OPTIONS.pace)
        status, _ = self.ask("POST", f"{path}/complete", "/v1/calls/{id}/complete", {"offer_id": offer}, 403, 409)
        if status == 200:
            WENT.connected[offer] = call_id
            WENT.finished.append(call_id)

    def offer(self, ring: dict[str, str], verb: str) -> int:
        body: dict[str, str] | None = {} if verb == "decline" else None
        status, _ = self.ask("POST", f"/v1/offers/{ring['offer']}/{verb}", f"/v1/offers/{{id}}/{verb}", body, 409)
        return status

    def state(self, state: str) -> None:
        self.ask("PUT", f"/v1/agents/{self.agent_id}/state", "/v1/agents/{id}/state", {"state": state})
