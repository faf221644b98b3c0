"""Secrets are read where the plan says, and again when they change; what is missing verifies nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.parts import Secret
from ivr.twilio.keyring import Credentials, Keyring, Section, read_keys
from ivr.twilio.signature import LEGACY

AC = "AC" + "0" * 32
SUB = "AC" + "1" * 32


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SID": AC, "TOKEN": "one", "NEXT": "two", "SUBTOKEN": "three", "SHARED": "four"}.items():
        monkeypatch.setenv(name, value)


def section(**env: str) -> Section:
    return {name.replace("__", "."): Secret(env=variable) for name, variable in env.items()}


@pytest.mark.usefixtures("env")
def test_a_section_names_tokens_sub_accounts_and_shared_keys():
    named = {"account_sid": "SID", "auth_token": "TOKEN", "auth_token_next": "NEXT", f"account.{SUB}": "SUBTOKEN"}
    keys = read_keys({name: Secret(env=env) for name, env in (named | {"shared_key.k1": "SHARED"}).items()})
    assert keys.secrets.fit(LEGACY, AC) == (b"one", b"two")
    assert keys.secrets.fit(LEGACY, SUB) == (b"three",)
    assert keys.secrets.shared == {"k1": b"four"}
    assert list(keys.accounts.items()) == [(AC, Credentials(AC, ("one", "two"))), (SUB, Credentials(SUB, ("three",)))]


@pytest.mark.usefixtures("env")
def test_an_api_key_calls_and_the_token_verifies():
    keys = read_keys(section(account_sid="SID", auth_token="TOKEN", api_key_sid="NEXT", api_key_secret="SHARED"))
    assert keys.accounts == {AC: Credentials("two", ("four",))}
    assert keys.secrets.fit(LEGACY, AC) == (b"one",)


def test_what_is_not_set_verifies_nothing_and_calls_nobody():
    keys = read_keys(section(account_sid="NOWHERE_SID", auth_token="NOWHERE_TOKEN"))
    assert keys.secrets.fit(LEGACY, AC) == ()
    assert keys.secrets.fit(LEGACY, "") == ()
    assert keys.accounts == {}


def test_a_rewritten_file_counts_without_a_restart(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("one\n")
    plan: Section = {"auth_token": Secret(file=str(file))}
    keyring = Keyring(lambda: plan, look_every_s=0)
    assert keyring.keys.secrets.fit(LEGACY, "") == (b"one",)
    file.write_text("two\n")
    os.utime(file, ns=(1, 1))
    assert keyring.keys.secrets.fit(LEGACY, "") == (b"two",)
    file.unlink()
    assert keyring.keys.secrets.fit(LEGACY, "") == ()


@pytest.mark.usefixtures("env")
def test_a_new_plan_counts_at_once():
    plans = [section(auth_token="TOKEN"), section(auth_token="NEXT")]
    keyring = Keyring(lambda: plans[0], look_every_s=3_600)
    assert keyring.keys.secrets.fit(LEGACY, "") == (b"one",)
    plans.reverse()
    assert keyring.keys.secrets.fit(LEGACY, "") == (b"two",)


@pytest.mark.usefixtures("env")
def test_keys_that_have_not_changed_are_not_read_again():
    keyring = Keyring(lambda: plan, look_every_s=0)
    plan = section(auth_token="TOKEN")
    assert keyring.keys is keyring.keys


@pytest.mark.usefixtures("env")
def test_a_misspelt_setting_is_named_and_its_secret_is_not(caplog: pytest.LogCaptureFixture):
    read_keys(section(auth_tokn="TOKEN"))
    (record,) = caplog.records
    assert record.__dict__["fields"] == {"name": "auth_tokn"}
    assert "one" not in record.getMessage()
