"""The greeting: the first words of the first document, whether or not anybody is on duty."""

from __future__ import annotations

from datetime import date, datetime

from config.voice import GREETING_MAX, WISH
from ivr.scene import Greeting, Hello, Range, Scene, Variant
from ivr.speech import PLACEHOLDERS, Phrases, clean, phrases_for
from ivr.vocabulary import Say

WELCOME_BACK_DAYS = 90


def voice(scene: Scene) -> Phrases:
    return phrases_for(scene.language, scene.fallback)


def range_said(phrase: str, wait: Range, speak: Phrases) -> str:
    """About so long, at most so long; where both are one figure, only "about" it."""
    about, at_most = speak.minutes(wait.p50), speak.minutes(wait.p90)
    if about == at_most:
        return speak.say(f"{phrase}_about", p50=about)
    return speak.say(phrase, p50=about, p90=at_most)


def hello_at(local: datetime) -> Hello:
    """By the hour of the site's clock."""
    if 5 <= local.hour < 12:
        return "morning"
    if 12 <= local.hour < 18:
        return "afternoon"
    return "evening" if 18 <= local.hour < 22 else "night"


def variant_for(named: bool, birthday: date | None, last_contact: date | None, today: date) -> Variant:
    """A birthday beats a welcome back; who may not be named hears the plain one. 29 February is kept on the 28th."""
    if not named:
        return "plain"
    if birthday is not None and _is_birthday(birthday, today):
        return "birthday"
    if last_contact is not None and 0 < (today - last_contact).days <= WELCOME_BACK_DAYS:
        return "welcome_back"
    return "named"


def _is_birthday(birthday: date, today: date) -> bool:
    if (birthday.month, birthday.day) == (2, 29) and not _is_leap(today.year):
        return (today.month, today.day) == (2, 28)
    return (birthday.month, birthday.day) == (today.month, today.day)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def greet(scene: Scene) -> tuple[Say, ...]:
    """What must be said first, then the greeting, if there is one, and who will take care of the caller."""
    given, speak = scene.greeting, voice(scene)
    if given is None:
        return (Say(speak.say(scene.notice), speak.tag),) if scene.notice else ()
    words = [_opening(given, scene.site, speak)]
    if given.connecting == "agent" and scene.agent:
        words.append(speak.say("greeting.connecting_agent", agent=scene.agent))
    elif given.connecting in ("agent", "any"):
        words.append(speak.say("greeting.connecting_any"))
    elif given.connecting == "searching":
        words.append(speak.say("greeting.searching"))
    return tuple(Say(text, speak.tag) for text in words)


def _opening(given: Greeting, site: str, speak: Phrases) -> str:
    hello = speak.say(f"greeting.{given.hello}")
    who = speak.addressed_as(given.name, given.title)
    if given.text:
        return _own_words(given.text[:GREETING_MAX], {"who": who, "hello": hello, "wish": _wish(given, site, speak)})
    if given.variant in ("named", "birthday"):
        return speak.say(f"greeting.{given.variant}", hello=hello, who=who)
    return _at(f"greeting.{given.variant}", site, speak, hello=hello, who=who)


def _at(key: str, site: str, speak: Phrases, **data: str) -> str:
    """A phrase with the site's name, or the one for a site without."""
    data["site"] = clean(site)
    key += "" if data["site"] else "_nowhere"
    return speak.say(key, **{field: data[field] for field in PLACEHOLDERS[key]})


def _wish(given: Greeting, site: str, speak: Phrases) -> str:
    """What a birthday, or a caller who is back, adds to a tier's own words."""
    if given.variant == "birthday":
        return speak.say("greeting.wish_birthday")
    return _at("greeting.wish_welcome_back", site, speak) if given.variant == "welcome_back" else ""


def _own_words(text: str, data: dict[str, str]) -> str:
    """A tier's own: the wish stands where the plan puts it, else behind them."""
    if WISH not in text:
        text = f"{text} {WISH}"
    for name, words in data.items():
        text = text.replace(f"{{{name}}}", words)
    return clean(text, GREETING_MAX + sum(map(len, data.values())))
