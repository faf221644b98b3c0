"""Process settings: from the environment (prefix `VIPLINE_`), each also a flag of `vipline serve`.

What a site does is not here: that is its plan (`config/plan.yaml`).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LISTEN = re.compile(r"(?P<host>[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.%]+\]|\*|):(?P<port>\d{1,5})")


Network = IPv4Network | IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, ::1` → networks. Raises ValueError."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("expected addresses or networks such as 10.0.0.0/8, comma between") from None


class Settings(BaseSettings):
    """Everything one process needs to know before it can start."""

    model_config = SettingsConfigDict(env_prefix="VIPLINE_", env_ignore_empty=True, extra="ignore")

    listen: str = Field(default="127.0.0.1:8080", description="address to serve at, host:port; port 0 picks a free one")
    data: Path = Field(default=Path("var"), description="folder of the embedded server's data and the first token")
    config: Path = Field(default=Path("config"), description="folder of the sites' plans and seeds")
    redis: str = Field(
        default="embedded", description="embedded, unix://, redis[s]://, redis+sentinel://, redis+cluster://"
    )
    prefix: str = Field(default="", description="goes before every key, so that several services share a server")
    workers: int = Field(default=1, ge=1, le=64, description="processes that share the port")
    public_url: str = Field(default="", description="how others reach this service, if not where it listens")
    admin_token: SecretStr | None = Field(default=None, description="the first admin token; without it one is made")
    log: Literal["text", "json"] | None = Field(default=None, description="text or json; left out: text on a terminal")
    trusted_proxies: str = Field(
        default="", description="addresses or networks, comma between, whose X-Forwarded-For is believed"
    )
    source_rate: int = Field(default=3_000, ge=0, description="API requests a second of one address; 0: any number")
    token_rate: int = Field(default=2_000, ge=0, description="API requests a second of one token; 0: any number")
    linger_s: float = Field(
        default=0.0, ge=0, le=600, description="seconds a stopping process still takes requests, while /readyz says no"
    )
    drain_s: float = Field(default=20.0, ge=0, le=600, description="seconds a stopping process gives open requests")

    @field_validator("listen")
    @classmethod
    def _listen_is_host_and_port(cls, value: str) -> str:
        match = _LISTEN.fullmatch(value.strip())
        if match is None or int(match["port"]) > 65_535:
            raise ValueError("expected host:port, for example 127.0.0.1:8080")
        return value.strip()

    @field_validator("public_url")
    @classmethod
    def _public_url_is_an_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
            raise ValueError("expected an address such as https://calls.example.org")
        return value.rstrip("/")

    @field_validator("prefix")
    @classmethod
    def _prefix_has_no_tag(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_.:-]{0,64}", value):
            raise ValueError("at most 64 of letters, digits and _ . : - (no braces)")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def proxies(self) -> tuple[Network, ...]:
        return networks(self.trusted_proxies)

    @property
    def host(self) -> str:
        """The host part; empty and `*` mean every address of the machine."""
        host = self.listen.rpartition(":")[0].strip("[]")
        return "0.0.0.0" if host in ("", "*") else host  # noqa: S104 - asked for by name

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])
