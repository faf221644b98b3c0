"""Which of Twilio's voices speaks a language. A language that is not listed is left to Twilio's own choice."""

from __future__ import annotations

VOICES = {
    "en": ("Polly.Joanna-Neural", "en-US"),
    "en-GB": ("Polly.Amy-Neural", "en-GB"),
    "zh": ("Polly.Zhiyu-Neural", "cmn-CN"),
    "pl": ("Polly.Ola-Neural", "pl-PL"),
    "id": ("Google.id-ID-Standard-A", "id-ID"),
    "es": ("Polly.Lupe-Neural", "es-US"),
    "fr": ("Polly.Lea-Neural", "fr-FR"),
    "de": ("Polly.Vicki-Neural", "de-DE"),
}


def voice_of(locale: str) -> tuple[str | None, str]:
    """Voice and language of a locale: its own, its language's (`zh-CN` is spoken as `zh`), or none in particular."""
    return VOICES.get(locale) or VOICES.get(locale.partition("-")[0]) or (None, locale)
