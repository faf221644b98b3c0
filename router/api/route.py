"""How an endpoint is declared, and what happens between a request and its handler.

    calls = Routes("Calls")

    @calls.post("/v1/calls/{call_id}/choice", roles=TELEPHONY, answers={200: Call})
    async def choose(ctx: Ctx, body: Choice) -> Reply: ...

The declaration is all there is: token, role, site, ids, query, body and Idempotency-Key are checked by it before the
handler runs, and the OpenAPI document is made from it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ValidationError

from router.api import idempotency
from router.api.auth import identify, require_role, site_name
from router.api.body import parse_model, read_bytes, refuse_encoded, require_json
from router.api.failures import problem_of
from router.api.ids import check
from router.api.problem import Problem, from_validation
from router.api.reply import Reply
from router.app_keys import LIMITS, SERVICE
from router.directory.pins import digest_of_secret
from router.domain.errors import Refused
from router.logging_ import current_call
from router.service import Service
from router.site import Site
from router.store.tokens import Token

Handler = Callable[..., Awaitable[Reply]]
H = TypeVar("H", bound=Handler)

TELEPHONY = frozenset({"telephony"})
SUPERVISOR = frozenset({"supervisor"})
AGENT = frozenset({"agent"})
ADMIN: frozenset[str] = frozenset()


@dataclass(slots=True)
class Ctx:
    """One request, checked. `site` raises for the few routes that belong to no site."""

    request: web.Request
    service: Service
    token: Token
    ids: Mapping[str, str]
    _site: Site | None

    @property
    def site(self) -> Site:
        assert self._site is not None, "this route is declared with site=False"
        return self._site

    @property
    def has_site(self) -> bool:
        return self._site is not None

    @property
    def call_id(self) -> str:
        return self.ids["call_id"]

    def who(self) -> str:
        """For the audit log: an agent by its id, everybody else by role and token."""
        return self.token.agent_id or f"{self.token.role}:{self.token.token_id}"


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path. `accepts` names the body's types.

    `roles` None: open to everybody, the handler gets the bare request. `streams`: the handler reads the body itself.
    `holds_pin`: the body may hold a PIN, and what is remembered of it must not give it away.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    roles: frozenset[str] | None
    answers: Mapping[int, Any]
    refusals: tuple[int, ...]
    in_site: bool
    streams: bool
    accepts: tuple[str, ...]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    raw: bool
    holds_pin: bool

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def path_names(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def takes_body(self) -> bool:
        return self.body is not None or self.raw or self.streams

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if self.roles is None:
            return (await self.handler(request)).response()
        service, limits = request.app[SERVICE], request.app[LIMITS]
        limits.check_source()
        try:
            token = await identify(request, service.tokens)
        except Problem:
            limits.unknown_token()
            raise
        limits.check_token(token.token_id)
        require_role(token, self.roles)
        site = service.site(site_name(request, token)) if self.in_site else None
        ids = {name: check(name, value) for name, value in request.match_info.items()}
        current_call.set(ids.get("call_id", ""))
        ctx = Ctx(request, service, token, ids, site)
        values: dict[str, Any] = {}
        if self.query is not None:
            values["query"] = parse_query(self.query, request)
        if self.method == "GET":
            return (await self.handler(ctx, **values)).response()
        refuse_encoded(request)
        raw = b"" if self.streams else await read_bytes(request)
        if self.raw:
            values["raw"] = raw
        if self.body is not None:
            require_json(request)
            values["body"] = parse_model(self.body, raw if raw.strip() else b"{}")
        key = request.headers.get("Idempotency-Key")
        if key is None or self.streams:
            return (await self.handler(ctx, **values)).response()
        return (await self._once(ctx, key, raw, values)).response()

    async def _once(self, ctx: Ctx, key: str, raw: bytes, values: dict[str, Any]) -> Reply:
        name = idempotency_key(ctx, key)

        async def digest() -> str:
            told = raw + ctx.request.query_string.encode()
            return await digest_of_secret(told, name) if self.holds_pin else idempotency.BodyDigest(told).value()

        async def act() -> Reply:
            try:
                return await self.handler(ctx, **values)
            except Refused as refused:
                raise problem_of(refused) from None

        channel = ctx.site.channel if ctx.has_site else ctx.service.channel
        return await idempotency.once(channel, name, digest, act)


def idempotency_key(ctx: Ctx, key: str) -> str:
    """Where in the server a key is remembered."""
    name = idempotency.scope(key, ctx.token.token_id, ctx.request.method, ctx.request.rel_url.raw_path)
    return ctx.site.keys.own(f"y:{name}") if ctx.has_site else ctx.service.own_key(f"y:{name}")


class Routes:
    """The endpoints of one resource, in the order they are declared."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Route] = []

    def get(self, path: str, **options: Any) -> Callable[[H], H]:
        return self._add("GET", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[H], H]:
        return self._add("PUT", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[H], H]:
        return self._add("POST", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[H], H]:
        return self._add("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[H], H]:
        return self._add("DELETE", path, **options)

    def _add(
        self,
        method: str,
        path: str,
        *,
        roles: frozenset[str] | None,
        answers: Mapping[int, Any],
        refusals: tuple[int, ...] = (),
        in_site: bool = True,
        streams: bool = False,
        accepts: tuple[str, ...] = ("application/json",),
        holds_pin: bool = False,
    ) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            hints = get_type_hints(handler)
            names = inspect.signature(handler).parameters
            body = hints["body"] if "body" in names else None
            query = hints["query"] if "query" in names else None
            self.all.append(
                Route(
                    method=method,
                    path=path,
                    handler=handler,
                    tag=self.tag,
                    roles=roles,
                    answers=answers,
                    refusals=refusals,
                    in_site=in_site,
                    streams=streams,
                    accepts=accepts,
                    body=body,
                    query=query,
                    raw="raw" in names,
                    holds_pin=holds_pin,
                )
            )
            return handler

        return declare


def parse_query(model: type[BaseModel], request: web.Request) -> BaseModel:
    """The query as `model`; a name given twice or unknown is a 422, a typing error must not list everything."""
    pairs = request.rel_url.query
    if len({name for name, _ in pairs.items()}) != len(pairs):
        raise Problem(422, "invalid", "A query parameter appears twice.")
    if any("\x00" in text or "\ufffd" in text for pair in pairs.items() for text in pair):
        raise Problem(422, "bad-text", "A query parameter holds NUL or is not UTF-8.")
    try:
        return model.model_validate(dict(pairs))
    except ValidationError as error:
        raise from_validation(error) from None
