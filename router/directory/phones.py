"""What a carrier says of the caller → one identity that two spellings of a number share. Pure.

The order of the checks matters: a withheld caller spelled on a keypad (`+8656696` is UNKNOWN) would parse as a
possible number, so words and spellings come before any parsing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, PhoneNumberFormat

Kind = Literal["number", "raw", "sip", "client", "withheld"]

MAX_FROM = 128
SHORT_CODE = 6  # a national number of so few digits that is not valid is a service number, not a subscriber's

_WORDS = frozenset(
    (
        "anonymous", "unknown", "restricted", "private", "blocked", "unavailable", "withheld", "asserted",
        "no caller id", "null", "none", "anonymous@anonymous.invalid",
    )
)  # fmt: skip
_KEYPAD = frozenset(("266696687", "7378742833", "2562533", "8656696", "86282452253", "7748283"))
_PLAIN = re.compile(r"\+[1-9][0-9]{6,14}")
_DIALLED = re.compile(r"\+?[0-9]+")
_DIGITS = re.compile(r"[0-9*#]{1,15}")


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who calls, as far as the number tells.

    `key` is what the directory is asked for: E.164 (`number`), the digits or text as they came (`raw`: short codes,
    extensions), `sip:user@host`, `client:name`, or empty (`withheld`).
    """

    kind: Kind
    key: str

    @property
    def known(self) -> bool:
        return self.kind != "withheld"

    @property
    def valid(self) -> bool:
        """Whether the number may be called back; a merely possible one may not."""
        return self.kind == "number" and phonenumbers.is_valid_number(phonenumbers.parse(self.key))

    @property
    def dialled(self) -> bool:
        """Whether it is something a telephone can send: a number or a short code, not free text."""
        return self.kind == "number" or (self.kind == "raw" and _DIGITS.fullmatch(self.key) is not None)

    def for_logs(self, secret: bytes) -> str:
        """A name for log lines that finds the same caller again but gives no number away: keyed hash and last four."""
        if not self.known:
            return "withheld"
        digest = hmac.new(secret, self.key.encode(), hashlib.sha256).hexdigest()[:12]
        return f"{digest}…{self.key[-4:]}" if self.kind == "number" else digest


WITHHELD = CallerIdentity("withheld", "")


def identify(raw_from: str | None, region: str | None) -> CallerIdentity:
    """The identity behind a carrier's `From`. `region` (ISO 3166, e.g. `CN`) reads national numbers; never raises."""
    text = unicodedata.normalize("NFKC", raw_from or "").strip().lower()
    if _is_withheld(text):
        return WITHHELD
    if _PLAIN.fullmatch(text) and _stands_as_written(text):
        return CallerIdentity("number", text)
    if text.startswith("client:"):
        return CallerIdentity("client", text[:MAX_FROM])
    if text.startswith(("sip:", "sips:")):
        return _from_sip(text.partition(":")[2], region)
    if text.startswith("tel:"):
        return _from_tel(text, region)
    return _from_number(text, region)


def _is_withheld(text: str) -> bool:
    return not text or text in _WORDS or text.removeprefix("+") in _KEYPAD


def _from_sip(address: str, region: str | None) -> CallerIdentity:
    """`user@host;params`: a user that was dialled is a number, any other is known by the whole address."""
    bare = re.split(r"[;?]", address, maxsplit=1)[0] if "@" not in address else address
    user, at, host = bare.partition("@")
    user = unquote(user.partition(";")[0].partition(":")[0])
    host = re.split(r"[;?]", host, maxsplit=1)[0]
    if _is_withheld(user) or f"{user}{at}{host}" in _WORDS:
        return WITHHELD
    if _DIALLED.fullmatch(user):
        return _from_number(user, region)
    return CallerIdentity("sip", f"sip:{user}{at}{host}"[:MAX_FROM])


def _from_tel(text: str, region: str | None) -> CallerIdentity:
    """`tel:+1…;ext=12`: the library reads the parameters; what it cannot parse is known by the bare digits."""
    bare = text.removeprefix("tel:").partition(";")[0].strip()
    if _is_withheld(bare):
        return WITHHELD
    identity = _from_number(text, region)
    return identity if identity.kind == "number" else CallerIdentity("raw", bare[:MAX_FROM])


def _from_number(text: str, region: str | None) -> CallerIdentity:
    raw = CallerIdentity("raw", text[:MAX_FROM])
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return raw
    if not phonenumbers.is_possible_number(number):
        return raw
    if len(text) <= SHORT_CODE and _DIGITS.fullmatch(text) and not phonenumbers.is_valid_number(number):
        return raw
    return CallerIdentity("number", phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _stands_as_written(text: str) -> bool:
    """Whether parsing `+digits` would give back the same text: no national prefix to strip and a possible length.

    The library takes 60 µs for this, which an import of a million lines feels; a test holds the two equal.
    """
    for size in (1, 2, 3):
        country = int(text[1 : 1 + size])
        if country in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            national = text[1 + size :]
            prefix = _national_prefix(country)
            return _possible(country, len(national)) and not (prefix and prefix.match(national))
    return False


@lru_cache(maxsize=1024)
def _national_prefix(country: int) -> re.Pattern[str] | None:
    """What the library would strip from the front of a national number there."""
    region = phonenumbers.region_code_for_country_code(country)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country, region)
    pattern = metadata.national_prefix_for_parsing if metadata else None
    return re.compile(pattern) if pattern else None


@lru_cache(maxsize=8192)
def _possible(country: int, length: int) -> bool:
    if length < 2:
        return False
    return phonenumbers.is_possible_number(PhoneNumber(country_code=country, national_number=int("9" * length)))
