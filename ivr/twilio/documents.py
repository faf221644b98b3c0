"""Script → TwiML. Pure: the same script gives the same bytes, always.

Twilio knows two kinds of document. What plays to a caller who stands in a queue (a wait document) may only speak, play,
collect keys, redirect or leave; whatever else the script wants is reached by leaving the queue.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from ivr.twilio.addresses import Addresses
from ivr.twilio.voices import voice_of
from ivr.vocabulary import Collect, Command, Dial, Goto, Hangup, Hold, Join, Pause, Play, Reject, Say, Script

MAX_BYTES = 64_000
MAX_SPOKEN = 4_000
"""Characters of one Say; Twilio refuses more than 4,096."""
QUEUE_PREFIX = "w-"
MAX_QUEUE_NAME = 64
IDLE_S = 10

_HEAD = b'<?xml version="1.0" encoding="UTF-8"?><Response>'
_TAIL = b"</Response>"
EMPTY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""Nothing to do: the answer to a status report."""

_PLAIN = re.compile("[\t\n\r !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class DocumentTooLarge(Exception):
    """More than Twilio takes. No script of ours is near it."""


def text(value: str) -> str:
    """`value` as XML text or attribute, without what XML 1.0 cannot hold."""
    if _PLAIN.fullmatch(value):
        return value
    clean = _ILLEGAL.sub("", value)
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def queue_name(call_id: str) -> str:
    """The queue of one call alone."""
    name = QUEUE_PREFIX + call_id
    if len(name) <= MAX_QUEUE_NAME:
        return name
    digest = hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()
    return (QUEUE_PREFIX + digest)[:MAX_QUEUE_NAME]


def renderer(addresses: Addresses, waiting: bool) -> Callable[[Script], bytes]:
    """`render` for one site and one kind of document; `waiting`: played to a caller in a queue."""
    return partial(render, addresses, waiting)


def render(addresses: Addresses, waiting: bool, script: Script) -> bytes:
    """The document. Raises DocumentTooLarge."""
    if not script and not waiting:
        return EMPTY
    write = _IN_QUEUE if waiting else _ANYWHERE
    body = "".join([write[type(command)](addresses, command) for command in script]) or _SILENCE
    document = _HEAD + body.encode() + _TAIL
    if len(document) > MAX_BYTES:
        raise DocumentTooLarge(f"{len(document)} bytes")
    return document


def _say(_: Addresses, say: Say) -> str:
    voice, language = voice_of(say.locale)
    who = f'voice="{voice}" ' if voice else ""
    return f'<Say {who}language="{text(language)}">{text(say.text[:MAX_SPOKEN])}</Say>'


def _play(addresses: Addresses, play: Play) -> str:
    return f'<Play loop="{play.loop}">{text(addresses.asset(play.asset))}</Play>'


def _pause(_: Addresses, pause: Pause) -> str:
    return f'<Pause length="{_seconds(pause.ms)}"/>'


def _gather(addresses: Addresses, collect: Collect) -> str:
    """One key ends a choice; a number of digits ends with `#`, or by itself when it cannot be longer."""
    finish = "" if collect.max_digits == 1 else "#"
    prompts = "".join([_ANYWHERE[type(prompt)](addresses, prompt) for prompt in collect.prompts])
    return (
        f'<Gather input="dtmf" numDigits="{collect.max_digits}" timeout="{_seconds(collect.first_timeout_ms)}"'
        f' finishOnKey="{finish}" action="{addresses.in_xml(collect.route)}" method="POST"'
        f' actionOnEmptyResult="true">{prompts}</Gather>'
    )


def _enqueue(addresses: Addresses, hold: Hold) -> str:
    return (
        f'<Enqueue action="{addresses.in_xml(hold.left)}" method="POST" waitUrl="{addresses.in_xml(hold.route)}"'
        f' waitUrlMethod="POST">{text(queue_name(hold.call_id))}</Enqueue>'
    )


def _dial_queue(addresses: Addresses, join: Join) -> str:
    return (
        f'<Dial action="{addresses.in_xml(join.over)}" method="POST" timeout="{_seconds(join.timeout_ms)}">'
        f'<Queue url="{addresses.in_xml(join.bridged)}" method="POST">{text(queue_name(join.call_id))}</Queue></Dial>'
    )


def _dial(addresses: Addresses, dial: Dial) -> str:
    return (
        f'<Dial action="{addresses.in_xml(dial.over)}" method="POST" timeout="{_seconds(dial.timeout_ms)}">'
        f"<Number>{text(dial.number)}</Number></Dial>"
    )


def _redirect(addresses: Addresses, to: Goto | Hold) -> str:
    return f'<Redirect method="POST">{addresses.in_xml(to.route)}</Redirect>'


def _reject(_: Addresses, reject: Reject) -> str:
    return f'<Reject reason="{"busy" if reject.reason == "busy" else "rejected"}"/>'


def _hangup(_: Addresses, __: Hangup) -> str:
    return "<Hangup/>"


def _leave(_: Addresses, __: Command) -> str:
    return "<Leave/>"


def _seconds(ms: int) -> int:
    """Twilio counts whole seconds; less than one is one."""
    return max(1, -(-ms // 1_000))


_ANYWHERE: dict[type[Command], Callable[[Addresses, Any], str]] = {
    Say: _say,
    Play: _play,
    Pause: _pause,
    Collect: _gather,
    Hold: _enqueue,
    Join: _dial_queue,
    Goto: _redirect,
    Dial: _dial,
    Reject: _reject,
    Hangup: _hangup,
}
# Who stands in a queue goes on waiting there; what is not possible from there begins with leaving it, and the address
# that hears of that (`left`) is asked what next.
_IN_QUEUE = _ANYWHERE | {Hold: _redirect, Join: _leave, Dial: _leave, Reject: _leave}
_SILENCE = f'<Pause length="{IDLE_S}"/>'
