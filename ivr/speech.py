"""Speaks phrases: text in the caller's language, figures in the language's own way.

A phrase file maps keys to templates. `PLACEHOLDERS` says which keys there must be and what each may use;
`check_phrases` names what a file lacks. Figures are spoken by Babel (CLDR), so no phrase ever declines a number.
"""

from __future__ import annotations

import logging
import re
import string
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml
from babel import Locale, UnknownLocaleError
from babel.dates import format_timedelta
from babel.numbers import format_decimal

from router.logging_ import say

FOLDER = Path(__file__).parent / "phrases"
SPOKEN_MAX = 60
"""Characters of a name or another datum that are spoken at most."""

TITLES = ("Mr", "Ms", "Mrs", "Dr", "Prof")
"""The titles every language has a word for."""

PLACEHOLDERS: dict[str, frozenset[str]] = {
    key: frozenset(names.split())
    for key, names in {
        "greeting.morning": "",
        "greeting.afternoon": "",
        "greeting.evening": "",
        "greeting.night": "",
        "greeting.named": "hello who",
        "greeting.plain": "hello site",
        "greeting.plain_nowhere": "hello",
        "greeting.birthday": "hello who",
        "greeting.welcome_back": "hello who site",
        "greeting.welcome_back_nowhere": "hello who",
        "greeting.wish_birthday": "",
        "greeting.wish_welcome_back": "site",
        "greeting.wish_welcome_back_nowhere": "",
        "greeting.connecting_agent": "agent",
        "greeting.connecting_any": "",
        "greeting.searching": "",
        "menu.language": "key",
        "menu.skill": "topic key",
        "question.busy": "agent",
        "question.busy_unnamed": "",
        "question.not_free": "agent",
        "question.not_free_unnamed": "",
        "question.free_in": "p50 p90",
        "question.free_in_about": "p50",
        "question.transfer": "key",
        "question.wait": "key",
        "question.callback": "key",
        "question.again": "",
        "hold.enter": "",
        "hold.next": "",
        "hold.position": "position",
        "hold.wait": "p50 p90",
        "hold.wait_about": "p50",
        "hold.comfort_1": "",
        "hold.comfort_2": "",
        "hold.comfort_3": "",
        "hold.callback": "key",
        "connect.now": "",
        "callback.booked_agent": "agent",
        "callback.booked": "",
        "callback.already": "",
        "callback.refused": "",
        "callback.hello": "site",
        "callback.hello_nowhere": "",
        "exit.closed": "",
        "exit.full": "",
        "exit.max_wait": "",
        "exit.number": "",
        "exit.voicemail": "",
        "exit.callback": "key",
        "exit.goodbye": "",
        "exit.apology": "",
        "whisper.known": "tier who waited",
        "whisper.unknown": "waited",
        "whisper.shared": "waited",
        "whisper.unproven": "",
        "whisper.issue": "issue",
        "whisper.follow_up": "",
        "whisper.owner": "",
        "whisper.last": "",
        "whisper.callback": "",
        "whisper.dialling": "",
        "whisper.unreached": "",
        "whisper.accept": "key",
        "whisper.gone": "",
        "whisper.missed": "",
        "identify.number": "",
        "identify.pin": "",
        "identify.skip": "",
        "identify.wrong": "",
        "identify.locked": "",
        "survey.ask": "",
        "survey.thanks": "",
    }.items()
}

log = logging.getLogger("vipline.speech")

_UNSPOKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff<>&{}\[\]|\\^`]")

_HALVES = re.compile(r"[\ud800-\udfff]")


class PhrasesInvalid(Exception):
    """A phrase file cannot be spoken from."""


def clean(text: str, limit: int = SPOKEN_MAX) -> str:
    """Data as it may be spoken: normalised, without markup, control or direction characters, one line, capped."""
    if not text.isascii():
        text = _HALVES.sub("", unicodedata.normalize("NFC", text))
    return " ".join(_UNSPOKEN.sub(" ", text).split())[:limit].rstrip()


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language: templates by key, how people are called, and the locale that speaks its figures."""

    tag: str
    templates: Mapping[str, str]
    order: str
    titles: Mapping[str, str]
    addressed: Mapping[str, str]
    locale: Locale

    def say(self, phrase: str, /, **data: str | int) -> str:
        """The phrase with its data, cleaned. Whole numbers are spoken the language's way. KeyError: no such phrase."""
        if not data:
            return self.templates[phrase]
        spoken = {name: self.number(value) if isinstance(value, int) else clean(value) for name, value in data.items()}
        return self.templates[phrase].format_map(spoken)

    def person(self, name: str, title: str | None) -> str:
        """How a person is called whom others are told of: `Ms Li Wei`, `李伟女士`, `Pan Jan Nowak`."""
        return self._called(name, title, self.titles)

    def addressed_as(self, name: str, title: str | None) -> str:
        """How a person is called who is spoken to: `Panie Jan Nowak`."""
        return self._called(name, title, self.addressed)

    def _called(self, name: str, title: str | None, forms: Mapping[str, str]) -> str:
        form = forms.get((title or "").rstrip("."), "") if title else ""
        return clean(self.order.format(title=form, name=clean(name))) if form else clean(name)

    def number(self, value: int) -> str:
        return _number(self.locale, value)

    def minutes(self, ms: int) -> str:
        """A round duration: seconds below a minute, else whole minutes, else hours."""
        return _duration(self.locale, ms)


# The same few round figures are spoken over and over, and CLDR takes longer than all the rest of a document.
@lru_cache(maxsize=512)
def _number(locale: Locale, value: int) -> str:
    return str(format_decimal(value, locale=locale))


@lru_cache(maxsize=512)
def _duration(locale: Locale, ms: int) -> str:
    if ms < 60_000:
        return str(format_timedelta(timedelta(milliseconds=ms), "second", threshold=1e9, locale=locale))
    if ms < 5_400_000:
        whole = timedelta(minutes=round(ms / 60_000))
        return str(format_timedelta(whole, "minute", threshold=1e9, locale=locale))
    return str(format_timedelta(timedelta(milliseconds=ms), "hour", threshold=1e9, locale=locale))


def check_phrases(document: Any) -> Iterator[str]:
    """What is wrong with a phrase file's content, each in a sentence; nothing when it can be spoken from."""
    if not isinstance(document, dict):
        yield "the file is not a mapping of phrases"
        return
    people = document.get("people")
    yield from _check_people(people if isinstance(people, dict) else {})
    for key, allowed in PLACEHOLDERS.items():
        template = document.get(key)
        if not isinstance(template, str) or not template.strip():
            yield f"phrase {key} is missing"
            continue
        used = _used(template)
        if used is None:
            yield f"phrase {key} has an unbalanced brace"
            continue
        for name in sorted(used - allowed):
            yield f"phrase {key} uses {{{name}}}, which it is not given"
        for name in sorted(allowed - used):
            yield f"phrase {key} does not say {{{name}}}"
    for key in document:
        if key not in PLACEHOLDERS and key not in ("people", "language"):
            yield f"phrase {key} is never spoken"


def _check_people(people: dict[str, Any]) -> Iterator[str]:
    """How persons are called: `titles` when they are told of, `addressed` when they are spoken to."""
    if _used(str(people.get("order", ""))) != {"title", "name"}:
        yield "people.order uses {title} and {name}, and nothing else"
    named = ("titles", "addressed")
    forms = {name: people[name] if isinstance(people.get(name), dict) else {} for name in named}
    for title in dict.fromkeys((*TITLES, *forms["titles"], *forms["addressed"])):
        for name, words in forms.items():
            if not isinstance(words.get(title), str) or not words[title].strip():
                yield f"people.{name} has no word for {title}"


def _used(template: str) -> set[str] | None:
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return None
    return {name for _, name, _, _ in parts if name is not None}


def read_phrases(path: Path) -> Phrases:
    """One language's file; its name is the language's tag. Raises PhrasesInvalid naming all that is wrong."""
    tag = path.stem
    try:
        locale = Locale.parse(tag, sep="-")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (ValueError, UnknownLocaleError, yaml.YAMLError) as error:
        raise PhrasesInvalid(f"{path.name}: {error}") from None
    if problems := list(check_phrases(document)):
        raise PhrasesInvalid(f"{path.name}: {'; '.join(problems)}")
    people = document["people"]
    templates = {key: document[key] for key in PLACEHOLDERS}
    return Phrases(tag, templates, people["order"], people["titles"], people["addressed"], locale)


@cache
def languages(folder: Path = FOLDER) -> Mapping[str, Phrases]:
    """Every language there is, by tag. A file that cannot be spoken from is left out, or it silenced all."""
    found: dict[str, Phrases] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            found[path.stem] = read_phrases(path)
        except PhrasesInvalid as invalid:
            say(log, logging.ERROR, "a language is left out", why=str(invalid))
    return found


@lru_cache(maxsize=256)
def phrases_for(language: str, fallback: str = "en", folder: Path = FOLDER) -> Phrases:
    """The language itself, one of the same base (`zh` speaks zh-CN, `en-GB` en), the fallback's, else English.

    Raises PhrasesInvalid when no language can be spoken at all.
    """
    known = {tag.lower(): phrases for tag, phrases in languages(folder).items()}
    if not known:
        raise PhrasesInvalid(f"{folder}: no language can be spoken")
    for wanted in (language.lower(), fallback.lower(), "en"):
        if wanted in known:
            return known[wanted]
        base = wanted.partition("-")[0]
        for tag, phrases in known.items():
            if tag.partition("-")[0] == base:
                return phrases
    return next(iter(known.values()))
