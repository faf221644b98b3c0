"""Whom to dial → how Asterisk dials them. Pure. Nothing a caller sends becomes more than digits in it."""

from __future__ import annotations

import re

from config.ari import Ari

_NUMBER = re.compile(r"\+?[0-9*#]{2,20}")
_ENDPOINT = re.compile(r"(PJSIP|Local|DAHDI|IAX2|SIP)/[A-Za-z0-9_.@+:;=/*#-]{1,200}")
_SIP = re.compile(r"sips?:([A-Za-z0-9_.+-]{1,64})(@[A-Za-z0-9_.:-]{1,200})?(;.*)?")


class NoTarget(Exception):
    """Nobody can be dialled by this."""


def endpoint_of(target: str, part: Ari) -> str:
    """`PJSIP/100` and `Local/100@internal` as they are, numbers and `sip:` addresses as the plan says."""
    if _ENDPOINT.fullmatch(target):
        return target
    number = target.removeprefix("tel:")
    if _NUMBER.fullmatch(number):
        return part.number.replace("{number}", number).replace("{user}", number)
    if (address := _SIP.fullmatch(target)) is not None:
        return part.sip.replace("{user}", address[1]).replace("{number}", address[1])
    raise NoTarget
