"""What one site needs to talk with its jambonz: where it is, as whom, and what its webhooks are signed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from config.parts import Secret
from config.telephony import Jambonz as Section
from config.telephony import Speech
from ivr.watched import Watched


@dataclass(frozen=True, slots=True)
class Keys:
    """`secrets` verify webhooks. Without `account` and `key` nobody can be called."""

    api: str = ""
    account: str = ""
    key: str = ""
    secrets: tuple[bytes, ...] = ()
    speech: Speech = field(default_factory=Speech)

    @property
    def can_dial(self) -> bool:
        return bool(self.account and self.key)


class Ring:
    """`section` gives the plan's part of the moment, None where the plan has none."""

    def __init__(self, section: Callable[[], Section | None], look_every_s: float = 1.0) -> None:
        self._section = section
        self._watched = Watched(self._named, look_every_s)

    @property
    def keys(self) -> Keys:
        section = self._section()
        if section is None:
            return Keys()
        account, key, *secrets = self._watched.values
        return Keys(
            api=section.api.rstrip("/"),
            account=account or "",
            key=key or "",
            secrets=tuple(secret.encode() for secret in secrets if secret),
            speech=section.speech,
        )

    def _named(self) -> tuple[Secret, ...]:
        section = self._section()
        return (section.account_sid, section.api_key, *section.webhook_secrets) if section else ()
