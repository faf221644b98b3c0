"""Whatever is asked of a caller: the menu, the owner-busy question, identification, the survey."""

from __future__ import annotations

from ivr.flow.greeting import greet, range_said, voice
from ivr.scene import Scene
from ivr.speech import phrases_for
from ivr.vocabulary import Collect, Route, Say, Script

KEYS = ("1", "2", "3")


def route(scene: Scene, page: str) -> Route:
    return Route(page, scene.call_id, str(scene.step))


def choice_of(digits: str, options: tuple[str, ...]) -> str | None:
    """What a key means: keys number the options that are offered, in their order."""
    return dict(zip(KEYS, options, strict=False)).get(digits)


def menu(scene: Scene) -> Script:
    """Languages are offered each in itself, so that whoever needs one understands the offer."""
    speak = voice(scene)
    prompts = [*greet(scene)]
    if scene.again:
        prompts.append(Say(speak.say("question.again"), speak.tag))
    for option in scene.menu:
        if option.language:
            own = phrases_for(option.language, scene.fallback)
            prompts.append(Say(own.say("menu.language", key=option.key), own.tag))
        else:
            prompts.append(Say(speak.say("menu.skill", topic=option.topic, key=option.key), speak.tag))
    return (Collect(tuple(prompts), route(scene, "menu")),)


def question(scene: Scene) -> Script:
    """Who is not free, for how long if that is honestly known, and what the caller may do."""
    speak = voice(scene)
    words = []
    if scene.again:
        words.append(speak.say("question.again"))
    state = "question.busy" if scene.talking else "question.not_free"
    words.append(speak.say(state, agent=scene.agent) if scene.agent else speak.say(f"{state}_unnamed"))
    if scene.wait is not None:
        words.append(range_said("question.free_in", scene.wait, speak))
    for key, option in zip(KEYS, scene.options, strict=False):
        if option:
            words.append(speak.say(f"question.{option}", key=key))
    prompts = (*greet(scene), *(Say(text, speak.tag) for text in words))
    return (Collect(prompts, route(scene, "question"), first_timeout_ms=6_000),)


def identify_number(scene: Scene) -> Script:
    return _identify(scene, "identify.number", "identify", 20)


def identify_pin(scene: Scene) -> Script:
    return _identify(scene, "identify.pin", "pin", 12)


def _identify(scene: Scene, key: str, page: str, digits: int) -> Script:
    """Nobody must: the hash key alone goes on without."""
    speak = voice(scene)
    words = [speak.say("identify.wrong")] if scene.again else []
    words += [speak.say(key), speak.say("identify.skip")]
    prompts = (*greet(scene), *(Say(text, speak.tag) for text in words))
    return (Collect(prompts, route(scene, page), max_digits=digits, first_timeout_ms=8_000, inter_timeout_ms=4_000),)


def survey(scene: Scene) -> Script:
    speak = voice(scene)
    return (Collect((Say(speak.say("survey.ask"), speak.tag),), route(scene, "survey")),)
