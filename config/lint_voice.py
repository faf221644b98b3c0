"""What callers would hear otherwise than it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from config.lint_team import Finding, Team
from config.models import SitePlan
from config.voice import GREETING_MAX, WISH

FILLED = ("{hello}", "{who}", WISH)
_PLACE = re.compile(r"\{[^{}]*\}")


def voice_findings(site: SitePlan, team: Team | None) -> Iterator[Finding]:
    """What tiers are called, and how they are greeted."""
    yield from _spoken_tiers(site, team)
    yield from _greetings(site)
    yield from _topics(site)


def _spoken_tiers(site: SitePlan, team: Team | None) -> Iterator[Finding]:
    """A tier without a word in a language that agents hear. A name, or a text alone, is in the site's."""
    heard = [site.language, *(agent.language for agent in (team.agents if team else ()) if agent.language)]
    for place, tier in enumerate(site.tiers):
        said = {_base(tag) for tag in tier.spoken} if isinstance(tier.spoken, dict) else {_base(site.language)}
        missing = list(dict.fromkeys(language for language in heard if _base(language) not in said))
        if missing:
            what = f"agents who hear {', '.join(missing)} are told of {tier.name} in another language"
            fix = f"write spoken: {{{', '.join(f'{language}: …' for language in missing)}}}"
            yield ("tiers", place, "spoken" if tier.spoken else "name"), what, fix, "warning"


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def _greetings(site: SitePlan) -> Iterator[Finding]:
    """A tier's own greetings: what they do not fill in, and what would be cut off."""
    for tier, texts in site.voice.greetings.items():
        for language, text in texts.items():
            at = ("voice", "greetings", tier, language)
            if unknown := [place for place in _PLACE.findall(text) if place not in FILLED]:
                what = f"it fills in nothing but {', '.join(FILLED)}: {', '.join(unknown)} is spoken without its braces"
                yield at, what, f"write one of {', '.join(FILLED)}, or plain words", "warning"
            if len(text) > GREETING_MAX:
                what = f"it is longer than the {GREETING_MAX} characters that are spoken"
                yield at, what, "say it shorter", "warning"


def _topics(site: SitePlan) -> Iterator[Finding]:
    """What the menu calls a topic, in the languages its callers are spoken to before they choose."""
    heard = [site.language, *(number.language for number in site.numbers.values() if number.language)]
    for place, entry in enumerate(site.voice.menu):
        if isinstance(entry.topic, dict):
            said = {_base(tag) for tag in entry.topic}
            missing = list(dict.fromkeys(language for language in heard if _base(language) not in said))
            if missing:
                what = f"callers who hear {', '.join(missing)} are told of this topic in another language"
                yield ("voice", "menu", place, "topic"), what, f"add {', '.join(missing)}", "warning"
