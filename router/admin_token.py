"""The first admin token: the operator's own, or one made at the first start and kept in the data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from router.store.tokens import new_secret

FILE = "admin-token"


@dataclass(frozen=True, slots=True)
class AdminToken:
    """`path` None: it came from the environment, and we do not show it."""

    secret: str
    path: Path | None


def admin_token(settings: Settings) -> AdminToken:
    """Of several processes that start at once in one folder, one makes it and all find the same."""
    if settings.admin_token is not None:
        return AdminToken(settings.admin_token.get_secret_value(), None)
    path = settings.data / FILE
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    return AdminToken(path.read_text(encoding="ascii").strip(), path)


def _make(path: Path) -> None:
    """Written beside and linked into place: nobody ever reads half a token."""
    draft = path.with_name(f"{FILE}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(new_secret())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
