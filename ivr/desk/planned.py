"""What is said out of the plan, whatever becomes of a call: greeting, menu, names of tiers, apology, ways out. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from config.models import SitePlan
from config.parts import in_language
from ivr.flow.greeting import hello_at, variant_for
from ivr.scene import Greeting, Hello, MenuOption, Scene
from router.routing import language_of

NUMBER, VOICEMAIL = "number:", "voicemail:"


def menu_in(language: str, plan: SitePlan) -> tuple[MenuOption, ...]:
    """The plan's menu, its topics as they are called in a language."""
    return tuple(
        MenuOption(entry.key, entry.language, in_language(entry.topic, language, plan.language)[0])
        for entry in plan.voice.menu
    )


def tier_in(language: str, tier: str, plan: SitePlan) -> str:
    """What a tier is called in a language; one that the plan in force has no more goes by its name."""
    words = plan.tier(tier).spoken if tier in plan.tier_order else ""
    return in_language(words, language, plan.language)[0] if words else tier


def elsewhere(way: str) -> dict[str, Any]:
    """The number outside that a plan's way out leads to, if it does."""
    if way.startswith(VOICEMAIL):
        return {"number": way.removeprefix(VOICEMAIL), "voicemail": True}
    return {"number": way.removeprefix(NUMBER) if way.startswith(NUMBER) else ""}


def nothing(call_id: str) -> Scene:
    """Whoever asked need not be told anything."""
    return Scene("nothing", call_id, 0, "")


def sorry(call_id: str, plan: SitePlan) -> Scene:
    """What is said where nothing is known of a call, or nothing can be done; the plan's other number still can."""
    return Scene("apology", call_id, 0, plan.language, fallback=plan.language, **elsewhere(plan.exit))


def turned_away(call_id: str, to: str, plan: SitePlan, now_ms: int) -> Scene:
    """No more calls fit into the site: nothing of this one is kept."""
    meta = {"to": to}
    language = language_of(meta, plan)
    message, spoken_in = in_language(plan.exit_message, language, plan.language)
    return Scene(
        "exit", call_id, 1, language, fallback=plan.language, site=plan.title,
        greeting=greeting_for(meta, "", plan, now_ms), reason="full", message=message,
        message_language=spoken_in,
        **elsewhere(plan.exit),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _now_there(minute: int, timezone: str) -> tuple[Hello, date]:
    """How one greets in a minute since 1970, and which day it is there."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(timezone))
    return hello_at(local), local.date()


def greeting_for(meta: dict[str, Any], tier: str, plan: SitePlan, now_ms: int, connecting: Any = "") -> Greeting:
    """By the site's clock; by name only where the policy allows it."""
    hello, today = _now_there(now_ms // 60_000, plan.timezone)
    customer = meta.get("customer") or {} if meta.get("greet_by_name") else {}
    contacts = meta.get("contacts") or ()
    last = _now_there(contacts[0]["at"] // 60_000, plan.timezone)[1] if contacts else None
    birthday = date.fromisoformat(customer["birthday"]) if customer.get("birthday") else None
    named = bool(customer.get("name"))
    texts = plan.voice.greetings.get(tier, {})
    language = language_of(meta, plan)
    text = texts.get(language) or texts.get(language.partition("-")[0]) or ""
    return Greeting(
        hello=hello,
        variant=variant_for(named, birthday, last, today),
        name=str(customer.get("name") or ""),
        title=customer.get("title"),
        text="" if "{who}" in text and not named else text,
        connecting=connecting,
    )
