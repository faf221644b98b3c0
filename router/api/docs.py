"""The reference as a page: made from the OpenAPI document, without scripts and without anything from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --line: #8884; --mark: #0a6cc4; }
@media (prefers-color-scheme: dark) { :root { --mark: #6db7ff; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 4rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: .35rem .75rem; }
summary { cursor: pointer; } summary code { font-weight: 600; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .5rem; border: 1px solid var(--line); }
.get, .put, .post, .patch, .delete { display: inline-block; min-width: 4.2rem; }
summary span { font: 600 12px/1 ui-monospace, monospace; }
.get { color: #188038; } .post { color: var(--mark); } .put, .patch { color: #b06000; } .delete { color: #c5221f; }
table { border-collapse: collapse; margin: .4rem 0; }
td, th { border: 1px solid var(--line); padding: .15rem .5rem; text-align: left; }
a { color: var(--mark); } .muted { opacity: .75; }
"""


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    schemas = document["components"]["schemas"]
    body = [
        f"<h1>{escape(document['info']['title'])}</h1>",
        f"<p class=muted>version {escape(document['info']['version'])} · <a href=openapi.json>openapi.json</a></p>",
        f"<p>{_words(document['info']['description'])}</p>",
        "<p>"
        + " · ".join(f"<a href=#{escape(tag['name'])}>{escape(tag['name'])}</a>" for tag in document["tags"])
        + "</p>",
    ]
    for tag in document["tags"]:
        body.append(f"<h2 id={escape(tag['name'])}>{escape(tag['name'])}</h2>")
        for path, operations in document["paths"].items():
            body += [_operation(method, path, one) for method, one in operations.items() if tag["name"] in one["tags"]]
    body.append("<h2 id=schemas>Schemas</h2>")
    body += [_schema(name, schema) for name, schema in sorted(schemas.items())]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>vipline API</title><link rel=stylesheet href=docs.css>" + "".join(body) + "</html>"
    )


def _operation(method: str, path: str, one: Mapping[str, Any]) -> str:
    parts = [
        f"<details><summary><span class={method}>{method.upper()}</span> <code>{escape(path)}</code> "
        f"{_words(one.get('summary', ''))}</summary>"
    ]
    if one.get("description"):
        parts.append(f"<p>{_words(one['description'])}</p>")
    if method == "get" and "{" not in path:
        parts.append(f"<p><a href='{escape(path.lstrip('/'))}'>open it</a> (reads with the token of this browser)</p>")
    if one["parameters"]:
        rows = [
            f"<tr><td><code>{escape(parameter['name'])}</code>{' *' if parameter['required'] else ''}"
            f"<td>{parameter['in']}<td>{_type(parameter['schema'])}<td>{_words(parameter.get('description', ''))}"
            for parameter in one["parameters"]
        ]
        parts.append("<table><tr><th>parameter<th>in<th>type<th>" + "".join(rows) + "</table>")
    for kind, content in one.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body <code>{escape(kind)}</code>: {_type(content['schema'])}</p>")
    rows = []
    for status, answer in one["responses"].items():
        content = next(iter(answer.get("content", {}).values()), None)
        what = (
            "<a href=#schema-ProblemBody>problem</a>"
            if "$ref" in answer
            else _type(content["schema"])
            if content
            else "–"
        )
        rows.append(f"<tr><td>{status}<td>{what}")
    parts.append("<table><tr><th>status<th>answer" + "".join(rows) + "</table></details>")
    return "".join(parts)


def _words(text: str) -> str:
    """A sentence in which `names` stand out."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return (
        f"<details id='schema-{escape(name)}'><summary><code>{escape(name)}</code> "
        f"<span class=muted>{escape(schema.get('description', ''))}</span></summary><pre>{text}</pre></details>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """A type in few words, linked to its schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#schema-{escape(name)}'>{escape(name)}</a>"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_type(one) for one in schema[word])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return f"<code>{escape(str(schema.get('type', 'any')))}</code>"
