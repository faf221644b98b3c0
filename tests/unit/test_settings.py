"""Settings: what is accepted, and where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from config.settings import Settings


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("VIPLINE_"):
            monkeypatch.delenv(name)


def test_defaults_are_those_promised():
    settings = Settings()
    assert (settings.listen, settings.host, settings.port) == ("127.0.0.1:8080", "127.0.0.1", 8080)
    assert (settings.data, settings.config, settings.redis) == (Path("var"), Path("config"), "embedded")
    assert (settings.workers, settings.public_url, settings.admin_token, settings.log) == (1, "", None, None)


def test_the_environment_sets_them_and_a_flag_wins(monkeypatch):
    monkeypatch.setenv("VIPLINE_LISTEN", "0.0.0.0:9000")
    monkeypatch.setenv("VIPLINE_WORKERS", "3")
    monkeypatch.setenv("VIPLINE_ADMIN_TOKEN", "s3cret")
    monkeypatch.setenv("VIPLINE_REDIS", "")
    settings = Settings(workers=2)
    assert (settings.host, settings.port, settings.workers, settings.redis) == ("0.0.0.0", 9000, 2, "embedded")
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [(":80", "0.0.0.0", 80), ("*:80", "0.0.0.0", 80), ("[::1]:0", "::1", 0), ("localhost:8080", "localhost", 8080)],
)
def test_addresses(listen, host, port):
    settings = Settings(listen=listen)
    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    "wrong",
    [
        {"listen": "8080"},
        {"listen": "127.0.0.1:99999"},
        {"listen": "a b:80"},
        {"listen": "::1:80"},
        {"workers": 0},
        {"workers": "many"},
        {"log": "loud"},
        {"public_url": "calls.example.org"},
        {"public_url": "https://x/?q=1"},
        {"prefix": "{main}"},
        {"drain_s": -1},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_public_address_has_no_slash_at_its_end():
    assert Settings(public_url="https://x.example/vip/").public_url == "https://x.example/vip"
