"""What a platform shall say or show: the flow's own words, as one text."""

from __future__ import annotations

from ivr.flow.perform import perform
from ivr.scene import Scene
from ivr.vocabulary import Collect, Say, Script


def text_of(scene: Scene) -> str:
    """Everything the scene says, in one line."""
    return " ".join(_said(perform(scene)))


def _said(script: Script) -> list[str]:
    words: list[str] = []
    for command in script:
        if isinstance(command, Say):
            words.append(command.text)
        elif isinstance(command, Collect):
            words += [prompt.text for prompt in command.prompts if isinstance(prompt, Say)]
    return words
