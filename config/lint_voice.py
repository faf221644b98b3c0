"""What callers would hear otherwise than it was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from config.lint_team import Finding
from config.models import SitePlan
from config.voice import GREETING_MAX

_PLACE = re.compile(r"\{[^{}]*\}")


def voice_findings(site: SitePlan) -> Iterator[Finding]:
    """A tier's own greetings: what they do not fill in, and what would be cut off."""
    for tier, texts in site.voice.greetings.items():
        for language, text in texts.items():
            at = ("voice", "greetings", tier, language)
            if unknown := [place for place in _PLACE.findall(text) if place not in ("{hello}", "{who}")]:
                what = (
                    f"it fills in nothing but {{hello}} and {{who}}: {', '.join(unknown)} is spoken without its braces"
                )
                yield at, what, "write {hello} or {who}, or plain words", "warning"
            if len(text) > GREETING_MAX:
                what = f"it is longer than the {GREETING_MAX} characters that are spoken"
                yield at, what, "say it shorter", "warning"
