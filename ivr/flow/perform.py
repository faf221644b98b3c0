"""Scene → script: one function a scene, chosen by its kind."""

from __future__ import annotations

from collections.abc import Callable

from ivr.flow.agent import gone, join, stand_by, whisper
from ivr.flow.asking import identify_number, identify_pin, menu, question, survey
from ivr.flow.farewell import apology, busy, callback_booked, exit_, goodbye, nothing, parting
from ivr.flow.holding import callback_hello, connect, hold, moment, tick
from ivr.scene import Scene
from ivr.vocabulary import Script

_SCENES: dict[str, Callable[[Scene], Script]] = {
    "menu": menu,
    "question": question,
    "hold": hold,
    "tick": tick,
    "moment": moment,
    "connect": connect,
    "callback_booked": callback_booked,
    "callback_hello": callback_hello,
    "exit": exit_,
    "survey": survey,
    "goodbye": goodbye,
    "parting": parting,
    "apology": apology,
    "whisper": whisper,
    "join": join,
    "stand_by": stand_by,
    "gone": gone,
    "identify_number": identify_number,
    "identify_pin": identify_pin,
    "busy": busy,
    "nothing": nothing,
}


def perform(scene: Scene) -> Script:
    """The script of a scene. The same scene gives the same script, always."""
    return _SCENES[scene.kind](scene)
