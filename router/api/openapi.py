"""The OpenAPI 3.1 document, made from the routes and the models they name; nothing is written twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from router.api.ids import schema_of
from router.api.problem import CONTENT_TYPE
from router.api.route import Route
from router.api.shapes import ProblemBody

REFS = "#/components/schemas/{model}"
_DESCRIPTION = (
    "vipline decides, in one atomic step, which caller talks to which agent. Times are RFC 3339 in UTC with "
    "milliseconds, durations whole milliseconds. Send `Authorization: Bearer <token>` and, for a site other than "
    "`main`, `X-Site`. Every request that changes something accepts `Idempotency-Key`: a repeat within 24 hours gets "
    "the first answer. Refusals are `application/problem+json` with a stable `type`."
)
_SITE = {
    "name": "X-Site",
    "in": "header",
    "required": False,
    "description": "the contact centre; default `main`",
    "schema": schema_of("site"),
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "a repeat within 24 hours with this key gets the first answer",
    "schema": {"type": "string", "maxLength": 255},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "the ETag of what is replaced; 412 when it is another by now",
    "schema": {"type": "string"},
}

Mode = Literal["validation", "serialization"]


def document(routes: Sequence[Route], version: str, server: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "vipline", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": server or "/"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas.definitions,
            "responses": {
                "Problem": {"description": "Refused", "content": {CONTENT_TYPE: {"schema": schemas.of(ProblemBody)}}}
            },
        },
    }


class _Schemas:
    """The JSON schema of every type the routes name."""

    def __init__(self, routes: Sequence[Route]) -> None:
        wanted: dict[int, tuple[Any, Mode]] = {}
        for route in routes:
            for model in (route.body, route.query):
                if model is not None:
                    wanted[id(model)] = (model, "validation")
            for answer in route.answers.values():
                if answer is not None and not isinstance(answer, str):
                    wanted[id(answer)] = (answer, "serialization")
        wanted[id(ProblemBody)] = (ProblemBody, "serialization")
        inputs = [(key, mode, TypeAdapter(kind)) for key, (kind, mode) in wanted.items()]
        found, extra = TypeAdapter.json_schemas(inputs, ref_template=REFS)
        self._found = {key: schema for (key, _), schema in found.items()}
        self.definitions: dict[str, Any] = extra.get("$defs", {})

    def of(self, kind: Any) -> dict[str, Any]:
        return self._found[id(kind)]

    def properties(self, model: type[BaseModel]) -> tuple[dict[str, Any], Sequence[str]]:
        """Members and the required ones of a query model."""
        schema = self.of(model)
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        return schema.get("properties", {}), schema.get("required", ())


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    summary, _, description = (route.handler.__doc__ or "").strip().partition("\n")
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary,
        "parameters": _parameters(route, schemas),
        "responses": _responses(route, schemas),
    }
    if description.strip():
        operation["description"] = " ".join(description.split())
    if route.roles is None:
        operation["security"] = []
    else:
        roles = ", ".join(sorted(route.roles | {"admin"}))
        operation["description"] = f"{operation.get('description', '')} Roles: {roles}.".strip()
    if route.takes_body:
        operation["requestBody"] = _request_body(route, schemas)
    return operation


def _parameters(route: Route, schemas: _Schemas) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": schema_of(name)} for name in route.path_names
    ]
    if route.query is not None:
        members, required = schemas.properties(route.query)
        found += [_query_parameter(name, schema, name in required) for name, schema in members.items()]
    if route.roles is not None and route.in_site:
        found.append(_SITE)
    if route.method != "GET":
        found.append(_KEY)
    if 412 in route.refusals:
        found.append(_IF_MATCH)
    return found


def _query_parameter(name: str, schema: Mapping[str, Any], required: bool) -> dict[str, Any]:
    bare = {key: value for key, value in schema.items() if key != "description"}
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": required, "schema": bare}
    if "description" in schema:
        parameter["description"] = schema["description"]
    return parameter


def _request_body(route: Route, schemas: _Schemas) -> dict[str, Any]:
    schema = schemas.of(route.body) if route.body is not None else {}
    required = route.body is None or any(field.is_required() for field in route.body.model_fields.values())
    return {"required": required, "content": {kind: {"schema": schema} for kind in route.accepts}}


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in route.answers.items():
        response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if isinstance(kind, str):
            response["content"] = {kind: {"schema": {"type": "string"}}}
        elif kind is not None:
            response["content"] = {"application/json": {"schema": schemas.of(kind)}}
        responses[str(status)] = response
    refusals = set(route.refusals)
    if route.roles is not None:
        refusals |= {401, 403, 422, 429, 503} | ({404} if route.in_site else set())
    if route.takes_body:
        refusals |= {400, 408, 413, 415, 422}
    if route.method != "GET":
        refusals.add(409)
    for status in sorted(refusals - route.answers.keys()):
        responses[str(status)] = {"$ref": "#/components/responses/Problem"}
    return responses
