"""What a server's URL says: where it is and how to be let in."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SCHEMES = ("unix", "redis", "rediss", "redis+sentinel", "redis+cluster")
_OPTIONS = {"db", "durability", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "tls"}


@dataclass(frozen=True, slots=True)
class Address:
    """One place to connect to. `path` set: a unix socket, else `hosts` (more than one for Sentinel and Cluster).

    `service` is the master's name in `redis+sentinel://host:26379/<name>`.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    db: int = 0
    tls: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """For logs: never the password."""
        if self.path:
            return f"unix://{self.path}"
        places = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{self.scheme}://{places}" + (f"/{self.service}" if self.service else "")

    @property
    def durable(self) -> bool:
        """Whether an answer waits until a replica has what it tells of."""
        return self.options.get("durability") == "replica"

    def at(self, host: str, port: int) -> Address:
        """One server that Sentinel or the cluster has named, with the same login."""
        return replace(self, scheme="rediss" if self.tls else "redis", hosts=((host, port),), service="")

    def ssl_context(self) -> ssl.SSLContext | None:
        """How to speak TLS with it, or None for plain."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.options.get("ssl_ca_certs"))
        if "ssl_certfile" in self.options:
            context.load_cert_chain(self.options["ssl_certfile"], self.options.get("ssl_keyfile"))
        if self.options.get("ssl_cert_reqs") == "none":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_address(url: str) -> Address:
    """`unix:///path?db=1`, `redis://[[user]:password@]host[:port][/db]`, `rediss://…`,
    `redis+sentinel://host,host:26379/<master name>`, `redis+cluster://host,host:7000`; `?tls=1` for the last two,
    `?durability=replica` for all.

    Raises ValueError with a sentence that names no secret.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"a server's URL begins with one of {', '.join(f'{name}://' for name in SCHEMES)}")
    options = dict(parse_qsl(parts.query))
    unknown = sorted(options.keys() - _OPTIONS)
    if unknown:
        raise ValueError(f"unknown option {unknown[0]!r} in the server's URL; known: {', '.join(sorted(_OPTIONS))}")
    if options.get("durability", "replica") != "replica":
        raise ValueError("durability in the server's URL is `replica`, or left out")
    login, _, places = parts.netloc.rpartition("@")
    username, _, password = login.partition(":")
    after_slash = unquote(parts.path.removeprefix("/"))
    address = partial(Address, parts.scheme, username=unquote(username), password=unquote(password), options=options)
    if parts.scheme == "unix":
        if places or not after_slash:
            raise ValueError("a unix socket's URL is unix:///absolute/path")
        return address(path=unquote(parts.path), db=_number(options.get("db", "0"), "db"))
    default_port = 26379 if parts.scheme == "redis+sentinel" else 6379
    hosts = tuple(_host_and_port(place, default_port, parts) for place in places.split(","))
    tls = parts.scheme == "rediss" or options.get("tls", "0") not in ("0", "")
    if parts.scheme == "redis+sentinel":
        if not after_slash:
            raise ValueError("a Sentinel URL ends with the master's name: redis+sentinel://host:26379/mymaster")
        db = _number(options.get("db", "0"), "db")
        return address(hosts=hosts, service=after_slash, db=db, tls=tls)
    if len(hosts) > 1 and parts.scheme != "redis+cluster":
        raise ValueError(f"{parts.scheme}:// names one host; several are for redis+sentinel:// and redis+cluster://")
    db = _number(options.get("db") or after_slash or "0", "db")
    if db and parts.scheme == "redis+cluster":
        raise ValueError("a cluster has no numbered databases")
    return address(hosts=hosts, db=db, tls=tls)


def _host_and_port(place: str, default_port: int, parts: SplitResult) -> tuple[str, int]:
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = place.partition(":")
    if not host:
        raise ValueError(f"the server's URL names no host after {parts.scheme}://")
    return host, _number(port or str(default_port), "port")


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"the {what} in the server's URL is no number")
    return int(text)
