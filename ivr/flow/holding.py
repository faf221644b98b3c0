"""Waiting: into the holding room, what is heard there, and out of it."""

from __future__ import annotations

from ivr.flow.asking import route
from ivr.flow.greeting import greet, range_said, voice
from ivr.scene import Scene
from ivr.vocabulary import Collect, Goto, Hold, Pause, Play, Prompt, Route, Say, Script

COMFORTS = 3
MOMENT_MS = 1_000


def hold(scene: Scene) -> Script:
    """The greeting if it is the first document, one sentence, then the holding room."""
    speak = voice(scene)
    first = (*greet(scene), Say(speak.say("hold.enter"), speak.tag)) if scene.greeting or scene.notice else ()
    return (*first, Hold(scene.call_id, route(scene, "hold"), Route("left", scene.call_id, str(scene.step))))


def tick(scene: Scene) -> Script:
    """One round in the holding room: where the caller stands, then music. A key may ask for a callback."""
    speak = voice(scene)
    words = [speak.say(scene.notice)] if scene.notice else []
    if scene.position == 1:
        words.append(speak.say("hold.next"))
    elif scene.position is not None:
        words.append(speak.say("hold.position", position=scene.position))
    if scene.wait is not None:
        words.append(range_said("hold.wait", scene.wait, speak))
    if scene.position is None and scene.wait is None:
        comfort = f"hold.comfort_{scene.comfort % COMFORTS + 1}"
        words.append(speak.say("connect.now" if scene.reason == "connecting" else comfort))
    if scene.callback_key:
        words.append(speak.say("hold.callback", key=scene.callback_key))
    prompts: tuple[Prompt, ...] = (*(Say(text, speak.tag) for text in words), *_music(scene))
    if scene.callback_key:
        return (Collect(prompts, route(scene, "key"), first_timeout_ms=1_000),)
    return (*prompts, Goto(route(scene, "hold")))


def moment(scene: Scene) -> Script:
    """A silent round: the caller is about to be taken out of the room."""
    return (Pause(MOMENT_MS), Goto(route(scene, "hold")))


def connect(scene: Scene) -> Script:
    """Out of whatever the caller heard, into the holding room, from where an agent's leg fetches them."""
    left = f"{scene.step}-{scene.room}" if scene.room else str(scene.step)
    return (Hold(scene.call_id, route(scene, "hold"), Route("left", scene.call_id, left)),)


def callback_hello(scene: Scene) -> Script:
    """The customer picked up: who we are, then the holding room, where the agent already waits to fetch them."""
    speak = voice(scene)
    text = speak.say("callback.hello", site=scene.site) if scene.site else speak.say("callback.hello_nowhere")
    return (Say(text, speak.tag), *connect(scene))


def _music(scene: Scene) -> tuple[Prompt, ...]:
    if not scene.music:
        return (Pause(scene.interval_ms),)
    return (Play(scene.music, max(1, round(scene.interval_ms / scene.music_ms)) if scene.music_ms else 1),)
