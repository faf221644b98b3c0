"""The supervisor's page: one file, with nothing from elsewhere, and leave to run only what it holds."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from router.api.reply import Reply

PAGE = Path(__file__).resolve().parents[1] / "live" / "page.html"


@cache
def page() -> Reply:
    """The page. Its headers allow its own script and style by their digests, and requests to this service."""
    text = PAGE.read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src {_digests(text, 'script')}; style-src {_digests(text, 'style')}; "
        "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
    return Reply(200, text.encode(), "text/html", {"Content-Security-Policy": policy})


def _digests(text: str, tag: str) -> str:
    bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
    digests = (base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
