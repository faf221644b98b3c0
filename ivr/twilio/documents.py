"""Script → TwiML. Pure: the same script gives the same bytes, always.

Twilio knows two kinds of document. What plays to a caller who stands in a queue (a wait document) may only speak, play,
collect keys, redirect or leave; whatever else the script wants is reached by leaving the queue.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial

from ivr.twilio.addresses import Addresses
from ivr.twilio.voices import voice_of
from ivr.vocabulary import Collect, Command, Dial, Goto, Hangup, Hold, Join, Pause, Play, Reject, Say, Script

MAX_BYTES = 64_000
MAX_SPOKEN = 4_000
"""Characters of one Say; Twilio refuses more than 4,096."""
MAX_QUEUE_NAME = 64
IDLE_S = 10

_HEAD = b'<?xml version="1.0" encoding="UTF-8"?><Response>'
_TAIL = b"</Response>"
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Nothing to do: the answer to a status report."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class DocumentTooLarge(Exception):
    """More than Twilio takes. No script of ours is near it."""


def text(value: str) -> str:
    """`value` as XML text or attribute, without what XML 1.0 cannot hold."""
    clean = _ILLEGAL.sub("", value)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def queue_name(call_id: str) -> str:
    """The queue of one call alone."""
    name = f"w-{call_id}"
    return name if len(name) <= MAX_QUEUE_NAME else f"w-{hashlib.sha256(call_id.encode()).hexdigest()[:48]}"


def renderer(addresses: Addresses, waiting: bool) -> Callable[[Script], bytes]:
    """`render` for one site and one kind of document; `waiting`: played to a caller in a queue."""
    return partial(render, addresses, waiting)


def render(addresses: Addresses, waiting: bool, script: Script) -> bytes:
    """The document. Raises DocumentTooLarge."""
    if not script and not waiting:
        return EMPTY
    write = _in_queue if waiting else _anywhere
    body = "".join([write(addresses, command) for command in script]) or _pause(IDLE_S * 1_000)
    document = _HEAD + body.encode() + _TAIL
    if len(document) > MAX_BYTES:
        raise DocumentTooLarge(f"{len(document)} bytes")
    return document


def _in_queue(addresses: Addresses, command: Command) -> str:
    match command:
        case Hold(route=route):  # already there: go on waiting
            return _redirect(addresses.of(route))
        case Join() | Dial() | Reject():  # not possible from here: the address of `left` is asked what next
            return "<Leave/>"
        case _:
            return _anywhere(addresses, command)


def _anywhere(addresses: Addresses, command: Command) -> str:
    match command:
        case Say(text=words, locale=locale):
            return _say(words, locale)
        case Play(asset=asset, loop=loop):
            return f'<Play loop="{loop}">{text(addresses.asset(asset))}</Play>'
        case Pause(ms=ms):
            return _pause(ms)
        case Collect():
            return _gather(addresses, command)
        case Hold(call_id=call_id, route=route, left=left):
            return (
                f'<Enqueue action="{text(addresses.of(left))}" method="POST" waitUrl="{text(addresses.of(route))}"'
                f' waitUrlMethod="POST">{text(queue_name(call_id))}</Enqueue>'
            )
        case Join(call_id=call_id, bridged=bridged, over=over, timeout_ms=timeout_ms):
            return (
                f'<Dial action="{text(addresses.of(over))}" method="POST" timeout="{_seconds(timeout_ms)}">'
                f'<Queue url="{text(addresses.of(bridged))}" method="POST">{text(queue_name(call_id))}</Queue></Dial>'
            )
        case Goto(route=route):
            return _redirect(addresses.of(route))
        case Dial(number=number, over=over, timeout_ms=timeout_ms):
            return (
                f'<Dial action="{text(addresses.of(over))}" method="POST" timeout="{_seconds(timeout_ms)}">'
                f"<Number>{text(number)}</Number></Dial>"
            )
        case Reject(reason=reason):
            return f'<Reject reason="{"busy" if reason == "busy" else "rejected"}"/>'
        case Hangup():
            return "<Hangup/>"


def _say(words: str, locale: str) -> str:
    voice, language = voice_of(locale)
    spoken = text(words[:MAX_SPOKEN])
    who = f'voice="{voice}" ' if voice else ""
    return f'<Say {who}language="{text(language)}">{spoken}</Say>'


def _pause(ms: int) -> str:
    return f'<Pause length="{_seconds(ms)}"/>'


def _redirect(url: str) -> str:
    return f'<Redirect method="POST">{text(url)}</Redirect>'


def _gather(addresses: Addresses, collect: Collect) -> str:
    """One key ends a choice; a number of digits ends with `#`, or by itself when it cannot be longer."""
    finish = "" if collect.max_digits == 1 else "#"
    prompts = "".join([_anywhere(addresses, prompt) for prompt in collect.prompts])
    return (
        f'<Gather input="dtmf" numDigits="{collect.max_digits}" timeout="{_seconds(collect.first_timeout_ms)}"'
        f' finishOnKey="{finish}" action="{text(addresses.of(collect.route))}" method="POST"'
        f' actionOnEmptyResult="true">{prompts}</Gather>'
    )


def _seconds(ms: int) -> int:
    """Twilio counts whole seconds; less than one is one."""
    return max(1, -(-ms // 1_000))
