"""What an adapter can do, declared once, so that the core need not know which provider it talks to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`interrupt`: a leg can be taken out of whatever it hears. `dtmf_in_hold`: keys count while music plays.
    `whisper`: an agent hears something, and may refuse, before the caller is there. `native_tts`: text is spoken by the
    provider. `amd`: it tells people from answering machines. `stir`: it says how far a number is vouched for.
    `answer_control`: a call can ring on, unanswered and unbilled, or be rejected. A document has at most
    `max_document_bytes` and is given at most `answer_within_ms`.
    """

    interrupt: bool
    dtmf_in_hold: bool
    whisper: bool
    native_tts: bool
    amd: bool
    stir: bool
    answer_control: bool
    max_document_bytes: int
    answer_within_ms: int
