"""Script → verbs. Pure: the same script gives the same bytes, always.

A gather plays one prompt while it listens, and between two verbs keys are lost. So a question of several prompts is
asked in parts: what is still to be asked goes with the call as its tag, jambonz brings it back with the end of the
part, and the next part is asked without anybody deciding anything (`next_part`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.telephony import Speech
from ivr.jambonz.addresses import Addresses
from ivr.vocabulary import (
    Collect,
    Command,
    Dial,
    Goto,
    Hangup,
    Hold,
    Join,
    Pause,
    Play,
    Prompt,
    Reject,
    Route,
    Say,
    Script,
)

MAX_BYTES = 64_000
MAX_SPOKEN = 4_000
BETWEEN_MS = 100
"""How long a part listens on after its prompt, when another part follows."""
AGAIN_S = 1
"""After a hook that brought nothing it is asked again, a little later."""
ROOM_PREFIX = "w-"
SIP_BUSY, SIP_DECLINED = 486, 603

Verb = dict[str, Any]
HANGUP: Verb = {"verb": "hangup"}


class DocumentTooLarge(Exception):
    """More than we send. No script of ours is near it."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the documents of one leg. `bound`: what its tag must go on saying (whose leg it is)."""

    addresses: Addresses
    speech: Speech
    bound: Mapping[str, str] = field(default_factory=dict)

    def document(self, script: Script) -> bytes:
        """Nothing to do ends the leg: an empty document would leave it where it is. Raises DocumentTooLarge."""
        return encode([verb for command in script for verb in self._verbs(command)] or [HANGUP])

    def meeting(self, offer_id: str, left: Route, wait: Route) -> bytes:
        """The caller's part of a talk: into the room where the agent is. `wait` is asked should nobody be there."""
        entering = {"startConferenceOnEnter": False, "waitHook": self._hook(wait), "actionHook": self._hook(left)}
        unmet = Route("unmet", left.call_id, left.step)
        return encode([_conference(offer_id) | entering, self._redirect(unmet)])

    def _verbs(self, command: Command) -> Sequence[Verb]:
        if isinstance(command, Say | Play):
            return (self._prompt(command),)
        if isinstance(command, Pause):
            return ({"verb": "pause", "length": command.ms / 1_000},)
        if isinstance(command, Collect):
            return self._collect(command)
        if isinstance(command, Goto | Hold):
            return asked_again(self._redirect(command.route))
        if isinstance(command, Join):
            return self._join(command)
        if isinstance(command, Dial):
            return (self._dial(command),)
        if isinstance(command, Reject):
            busy = command.reason == "busy"
            return ({"verb": "sip:decline", "status": SIP_BUSY if busy else SIP_DECLINED},)
        assert isinstance(command, Hangup)
        return (HANGUP,)

    def _prompt(self, prompt: Say | Play) -> Verb:
        if isinstance(prompt, Play):
            return {"verb": "play", "url": self.addresses.asset(prompt.asset), "loop": prompt.loop}
        return {"verb": "say", "text": plain(prompt.text), "synthesizer": self._voice(prompt.locale)}

    def _voice(self, locale: str) -> Verb:
        """The locale's own, its language's, or whichever the vendor takes for it."""
        voices = self.speech.voices
        found = voices.get(locale) or voices.get(locale.partition("-")[0])
        if found is None:
            return {"vendor": self.speech.vendor, "language": locale}
        return {"vendor": self.speech.vendor, "language": found.language or locale, "voice": found.voice}

    def _collect(self, collect: Collect) -> Sequence[Verb]:
        asked = _grouped(collect.prompts)
        parts = [
            self._gather(collect, prompt, quiet_ms, last=place == len(asked) - 1)
            for place, (prompt, quiet_ms) in enumerate(asked)
        ]
        if len(parts) == 1:
            return asked_again(parts[0])
        return in_parts(self.bound, place_of(collect.route.page, collect.route.step), parts)

    def _gather(self, collect: Collect, prompt: Say | Play | None, quiet_ms: int, last: bool) -> Verb:
        """One key ends a choice; a number of digits ends with `#`, when no more come, or when it cannot be longer."""
        listen_ms = quiet_ms + (collect.first_timeout_ms if last else 0)
        verb: Verb = {"verb": "gather", "input": ["digits"], "actionHook": self._hook(collect.route)}
        verb["timeout"] = max(listen_ms, BETWEEN_MS) / 1_000
        if collect.max_digits == 1:
            verb["numDigits"] = 1
        else:
            verb |= {"minDigits": 1, "maxDigits": collect.max_digits, "finishOnKey": "#"}
            verb["interDigitTimeout"] = collect.inter_timeout_ms / 1_000
        if prompt is not None:
            spoken = self._prompt(prompt)
            verb[spoken.pop("verb")] = spoken
        return verb

    def _join(self, join: Join) -> Sequence[Verb]:
        """The agent opens the room. A room that cannot be opened tells nobody, so the verb behind it does."""
        entering = {"startConferenceOnEnter": True, "actionHook": self._hook(join.over)}
        lost = Route("lost", join.over.call_id, join.over.step)
        return (_conference(join.over.step) | entering, self._redirect(lost))

    def _dial(self, dial: Dial) -> Verb:
        return {
            "verb": "dial",
            "target": [{"type": "phone", "number": dial.number}],
            "timeout": _seconds(dial.timeout_ms),
            "actionHook": self._hook(dial.over),
        }

    def _redirect(self, route: Route) -> Verb:
        return {"verb": "redirect", "actionHook": self._hook(route)}

    def _hook(self, route: Route) -> str:
        return self.addresses.of(route)


def encode(verbs: Sequence[Verb]) -> bytes:
    document = json.dumps(verbs, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(document) > MAX_BYTES:
        raise DocumentTooLarge(f"{len(document)} bytes")
    return document


def place_of(page: str, step: str) -> str:
    """Which question a tag belongs to."""
    return f"{page}:{step}"


def in_parts(bound: Mapping[str, str], place: str, parts: Sequence[Verb]) -> Sequence[Verb]:
    """The first of these parts; the rest go along."""
    return ({"verb": "tag", "data": {**bound, "at": place, "more": parts[1:]}}, *asked_again(parts[0]))


def asked_again(verb: Verb) -> Sequence[Verb]:
    """What is behind a verb is played when its hook brought nothing: we are away, or meant to change nothing."""
    return (verb, {"verb": "pause", "length": AGAIN_S}, {"verb": "redirect", "actionHook": verb["actionHook"]})


def next_part(bound: Mapping[str, str], place: str, tag: Mapping[str, Any]) -> bytes | None:
    """The part after the one that has just ended without a key; None when it was the last, or another question's."""
    more = tag.get("more")
    if tag.get("at") != place or not isinstance(more, list) or not more:
        return None
    return encode(in_parts(bound, place, more))


def plain(text: str) -> str:
    """Never markup: what begins like SSML would be read as such."""
    return text[:MAX_SPOKEN].replace("<", " ").replace(">", " ")


def _grouped(prompts: Sequence[Prompt]) -> list[tuple[Say | Play | None, int]]:
    """Sentences of one language in one breath, each with the silence after it, ms."""
    found: list[tuple[Say | Play | None, int]] = []
    for prompt in prompts:
        before, quiet_ms = found[-1] if found else (None, 0)
        if isinstance(prompt, Pause):
            found[-1:] = [(before, quiet_ms + prompt.ms)]
        elif isinstance(prompt, Say) and isinstance(before, Say) and before.locale == prompt.locale and not quiet_ms:
            found[-1] = (Say(f"{before.text} {prompt.text}", prompt.locale), 0)
        else:
            found.append((prompt, 0))
    return found or [(None, 0)]


def _conference(offer_id: str) -> Verb:
    """A room for the two of one offer. Whoever leaves it ends it."""
    return {
        "verb": "conference",
        "name": ROOM_PREFIX + offer_id,
        "beep": False,
        "endConferenceOnExit": True,
        "maxParticipants": 2,
    }


def _seconds(ms: int) -> int:
    return max(1, -(-ms // 1_000))
