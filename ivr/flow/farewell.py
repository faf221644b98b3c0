"""Polite ways out. None is a dead end: a callback, another number, or a sentence that says what to do."""

from __future__ import annotations

from ivr.flow.asking import route
from ivr.flow.greeting import greet, voice
from ivr.scene import Scene
from ivr.speech import clean, phrases_for
from ivr.vocabulary import Collect, Dial, Goto, Hangup, Pause, Reject, Say, Script

MESSAGE_MAX = 500
PARTING_MS = 1_000


def exit_(scene: Scene) -> Script:
    """Closed, full or waited too long: the reason, the plan's own message, and what the caller may do now."""
    speak = voice(scene)
    key = Say(speak.say("exit.callback", key=scene.callback_key), speak.tag) if scene.callback_key else None
    if key and scene.again:
        return (Collect((Say(speak.say("question.again"), speak.tag), key), route(scene, "key")),)
    words = [*greet(scene), Say(speak.say(f"exit.{scene.reason}"), speak.tag)]
    if scene.message:
        words.append(_own_words(scene))
    if scene.number:
        return (*words, *_elsewhere(scene))
    if key:
        return (Collect((*words, key), route(scene, "key")),)
    return (*words, Say(speak.say("exit.goodbye"), speak.tag), Hangup())


def _own_words(scene: Scene) -> Say:
    """The plan's, in the voice of the language they are written in."""
    tag = phrases_for(scene.message_language or scene.fallback, scene.fallback).tag
    return Say(clean(scene.message, MESSAGE_MAX), tag)


def _elsewhere(scene: Scene) -> Script:
    """To a number outside: somebody, or a machine that takes a message."""
    speak = voice(scene)
    words = speak.say("exit.voicemail" if scene.voicemail else "exit.number")
    return (Say(words, speak.tag), Dial(scene.number, route(scene, "over")))


def callback_booked(scene: Scene) -> Script:
    speak = voice(scene)
    text = speak.say("callback.booked_agent", agent=scene.agent) if scene.agent else speak.say("callback.booked")
    return (Say(text, speak.tag), Hangup())


def goodbye(scene: Scene) -> Script:
    speak = voice(scene)
    words = speak.say("survey.thanks" if scene.reason == "survey" else "exit.goodbye")
    return (*greet(scene), Say(words, speak.tag), Hangup())


def parting(scene: Scene) -> Script:
    """The talk has ended and nobody has said why yet: a moment, then what follows from it."""
    return (Pause(PARTING_MS), Goto(route(scene, "over")))


def apology(scene: Scene) -> Script:
    speak = voice(scene)
    words = [Say(speak.say("exit.apology"), speak.tag)]
    if scene.message:
        words.append(_own_words(scene))
    return (*words, *_elsewhere(scene)) if scene.number else (*words, Hangup())


def busy(scene: Scene) -> Script:
    """Turned away at the door: the line is never taken up, so it costs nobody anything."""
    return (Reject("busy"),)


def nothing(scene: Scene) -> Script:
    """The right answer to a status report, and to whatever comes too late to matter."""
    return ()
