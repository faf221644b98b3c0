"""What an agent hears: who is coming and why, a key to take the call, then the caller."""

from __future__ import annotations

from ivr.flow.greeting import voice
from ivr.scene import Scene
from ivr.vocabulary import Collect, Goto, Hangup, Join, Pause, Route, Say, Script

JOIN_MS = 10_000
STAND_BY_MS = 1_000


def offer_route(scene: Scene, page: str) -> Route:
    return Route(page, scene.call_id, scene.offer_id)


def whisper(scene: Scene) -> Script:
    """Tier, name, how long they waited, why to this agent, and what is open; then the key."""
    speak, facts = voice(scene), scene.whisper
    assert facts is not None
    waited = speak.minutes(facts.waited_ms)
    if facts.name:
        words = [speak.say("whisper.known", tier=facts.tier, who=speak.person(facts.name, facts.title), waited=waited)]
    else:
        words = [speak.say("whisper.shared" if facts.doubt == "shared" else "whisper.unknown", waited=waited)]
    if facts.doubt == "unproven":
        words.append(speak.say("whisper.unproven"))
    if facts.callback:
        words.append(speak.say("whisper.callback"))
    if facts.comes_to:
        words.append(speak.say(f"whisper.{facts.comes_to}"))
    if facts.follow_up:
        words.append(speak.say("whisper.follow_up"))
    if facts.issue:
        words.append(speak.say("whisper.issue", issue=facts.issue))
    words.append(speak.say("whisper.accept", key=scene.accept_key))
    prompts = tuple(Say(text, speak.tag) for text in words)
    return (Collect(prompts, offer_route(scene, "accept"), first_timeout_ms=10_000),)


def join(scene: Scene) -> Script:
    """To the caller in the holding room; one who has left it ends the attempt after JOIN_MS."""
    bridged, over = offer_route(scene, "bridged"), offer_route(scene, "over")
    return (Join(scene.call_id, bridged, over, JOIN_MS),)


def stand_by(scene: Scene) -> Script:
    """The caller is on the way to the holding room; a customer who is called back may take a while."""
    speak = voice(scene)
    words = (Say(speak.say("whisper.dialling"), speak.tag),) if scene.reason == "dialling" else ()
    return (*words, Pause(STAND_BY_MS), Goto(offer_route(scene, "join")))


def gone(scene: Scene) -> Script:
    speak = voice(scene)
    phrase = {"declined": "whisper.missed", "unreached": "whisper.unreached"}.get(scene.reason, "whisper.gone")
    return (Say(speak.say(phrase), speak.tag), Hangup())
