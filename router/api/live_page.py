"""The supervisor's page: served as one file, with nothing from elsewhere, and leave to run only what it holds."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from router.api.reply import Reply

FILES = Path(__file__).resolve().parents[1] / "live" / "page"
SCRIPTS = ("wall.js", "page.js")


@cache
def page() -> Reply:
    """The page. Its headers allow its own script and style by their digests, and requests to this service."""
    style, script = _read("style.css"), "".join(map(_read, SCRIPTS))
    text = _read("page.html").replace("<style>", f"<style>{style}").replace("<script>", f"<script>{script}")
    policy = (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
    return Reply(200, text.encode(), "text/html", {"Content-Security-Policy": policy})


def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _digest(body: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'"
