"""Which words of a script's RETURNS a test hears: said above the test, held by tests/scripts/conftest.py."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def answers(*words: str) -> Callable[[F], F]:
    """The test fails unless its file's script answered each of these words while it ran."""

    def mark(test: F) -> F:
        test.__dict__["answers"] = frozenset(words)
        return test

    return mark


def promised(path: Path) -> set[str]:
    """Every word that the tests of a file promise to hear."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "answers":
            words.update(str(word.value) for word in node.args if isinstance(word, ast.Constant))
    return words
