"""SIP as it is written: a message read, and the answer to a server that asks who registers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

Headers = dict[str, list[str]]


@dataclass
class Message:
    first: str
    headers: Headers
    body: str

    @property
    def method(self) -> str:
        return self.first.partition(" ")[0]

    @property
    def status(self) -> int:
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    def __getitem__(self, name: str) -> str:
        return self.headers[name.lower()][0]


def read(raw: bytes) -> Message:
    head, _, body = raw.decode("utf-8", "replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers: Headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), []).append(value.strip())
    return Message(first, headers, body)


def digest(challenge: str, user: str, password: str, uri: str) -> str:
    """The header of a REGISTER that was challenged so."""
    told = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    owner, asked = md5(f"{user}:{told['realm']}:{password}"), md5(f"REGISTER:{uri}")
    answer = md5(f"{owner}:{told['nonce']}:00000001:c0ffee:auth:{asked}")
    words = f'username="{user}", realm="{told["realm"]}", nonce="{told["nonce"]}", uri="{uri}"'
    more = f', opaque="{told["opaque"]}"' if "opaque" in told else ""
    return f'Authorization: Digest {words}, response="{answer}", qop=auth, nc=00000001, cnonce="c0ffee"{more}'
