"""What whoever starts the service sees, and what stays out of a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from router.admin_token import AdminToken
from router.banner import banner
from router.environment import warn_of_unknown

MADE = AdminToken("vip_secret", Path("var/admin-token"))
GIVEN = AdminToken("vip_secret", None)


def printed(token: AdminToken, *, terminal: bool, public_url: str = "") -> list[str]:
    return banner(Settings(public_url=public_url), token, 8080, sample=True, terminal=terminal).splitlines()


def test_a_person_gets_an_address_to_click() -> None:
    assert "  open     http://127.0.0.1:8080/live#token=vip_secret" in printed(MADE, terminal=True)
    at = printed(MADE, terminal=True, public_url="https://calls.example.org")
    assert "  open     https://calls.example.org/live#token=vip_secret" in at


def test_a_log_gets_no_secret_and_is_told_where_it_is() -> None:
    lines = printed(MADE, terminal=False)
    assert lines[1:3] == ["  open     http://127.0.0.1:8080/live", "  token    in var/admin-token"]
    assert "vip_secret" not in "".join(lines)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_secret_that_was_given_is_never_shown(terminal: bool) -> None:
    lines = printed(GIVEN, terminal=terminal)
    assert lines[1:3] == ["  open     http://127.0.0.1:8080/live", "  token    VIPLINE_ADMIN_TOKEN"]
    assert "vip_secret" not in "".join(lines)


def test_unknown_variables_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("VIPLINE_WORKRS", "VIPLINE_WORKERS", "VIPLINE_WORKER", "VIPLINE_SERVER"):
        monkeypatch.setenv(name, "3-secret")
    warn_of_unknown()
    (said,) = [str(vars(record)) for record in caplog.records if "VIPLINE_WORKRS" in str(vars(record))]
    assert "VIPLINE_WORKERS" in said
    assert "3-secret" not in caplog.text
    assert not [record for record in caplog.records if "'VIPLINE_WORKER'" in str(vars(record))]
