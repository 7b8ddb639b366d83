"""What does the API promise? Its description as a document, the same for the same code, and as a page."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tocsin import __version__
from tocsin.api import inbound, shapes

INTRODUCTION = """Everything the command line and the dashboard do goes through this API.

Send `Authorization: Bearer tsn_…`; `im token create NAME --role responder` makes a token. Roles: viewer,
responder, manager and admin, each of which may all that those before it may (docs/roles.md says which address asks
for which); a token may have scopes in place of a role: read, write, intake and admin. A browser's session is a cookie, and its writes need
`X-Tocsin: 1`. In demo mode callers on the same machine need no token.

A write may carry an `Idempotency-Key`: the same request under the same key of the same caller is carried out once,
and its first answer is given again for 24 h.

Refusals are problem documents (RFC 9457) whose `faults` name each field. Lists page by `next_cursor`. Times are
RFC 3339 in UTC.

Alerts come in by `POST /api/v1/alerts`, `/api/v1/alerts/batch`, `/integrations/KEY` and the dialects' own paths."""


def document_of(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application."""
    if app.openapi_schema is None:
        made = get_openapi(
            title="Tocsin", version=__version__, description=INTRODUCTION, routes=app.routes, openapi_version="3.1.0"
        )  # fmt: skip
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas |= _problem_schemas() | inbound.SCHEMAS
        for path, methods in inbound.paths().items():
            made["paths"].setdefault(path, {}).update(methods)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        made["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": "tocsin_session"},
        }
        _mark_security(made)
        app.openapi_schema = made
    return app.openapi_schema


def _problem_schemas() -> dict[str, Any]:
    made = shapes.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = made.pop("$defs")
    return {"Problem": made, **inner}


def _mark_security(made: dict[str, Any]) -> None:
    for _, _, operation in operations(made):
        # the framework's own 422 would promise a shape that is never sent
        given = operation["responses"].get("422", {}).get("content", {})
        if "application/json" in given:
            del operation["responses"]["422"]
        if "403" in operation["responses"]:
            operation["security"] = [{"token": []}, {"session": []}]


def operations(made: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of a document, in its order."""
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def text_of(made: Mapping[str, Any]) -> str:
    """As it is committed."""
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


# ---- the page ------------------------------------------------------------------------------------------

STYLE = """:root{color-scheme:light dark;--line:#8884}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;border:1px solid var(--line);padding:.5rem}
details{border-bottom:1px solid var(--line);padding:.4rem 0}summary{cursor:pointer}summary b{display:inline-block;min-width:4.5rem}
table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.1rem 1rem .1rem 0}h2{margin-top:2rem}
"""


def page_of(made: Mapping[str, Any]) -> str:
    """The description for people: one HTML page, no script, nothing fetched but its style."""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tocsin API</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<link rel="stylesheet" href="/docs/style.css"></head><body>',
        f"<h1>Tocsin API {_e(made['info']['version'])}</h1>",
        *(f"<p>{_inline(text)}</p>" for text in made["info"]["description"].split("\n\n")),
        '<p>As OpenAPI: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a></p>',
    ]
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, method, operation in operations(made):
        by_tag.setdefault(operation.get("tags", ["other"])[0], []).append((path, method, operation))
    for tag, found in by_tag.items():
        parts.append(f"<h2>{_e(tag.capitalize())}</h2>")
        parts += [_operation(path, method, operation) for path, method, operation in found]
    parts.append("<h2>Shapes</h2>")
    for name, schema in sorted(made["components"]["schemas"].items()):
        body = _e(json.dumps(schema, indent=1, ensure_ascii=False))
        parts.append(
            f'<details id="{_e(name)}"><summary><code>{_e(name)}</code></summary><pre>{body}</pre></details>'
        )
    return "\n".join([*parts, "</body></html>\n"])


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{_e(p['name'])}</code></td><td>{_e(p['in'])}</td><td>{_inline(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {})
    shapes_in = ", ".join(f"{_e(kind)} {_shape(of.get('schema', {}))}" for kind, of in body.items())
    answers = [
        f"<tr><td>{_e(status)}</td><td>{_inline(of.get('description', ''))}</td><td>"
        + " ".join(_shape(content.get("schema", {})) for content in of.get("content", {}).values())
        + "</td></tr>"
        for status, of in sorted(operation["responses"].items())
    ]
    return (
        f"<details><summary><b>{_e(method.upper())}</b> <code>{_e(path)}</code> {_e(operation.get('summary', ''))}</summary>"
        f"<p>{_inline(operation.get('description', ''))}</p>"
        + (f"<table>{''.join(rows)}</table>" if rows else "")
        + (f"<p>Body: {shapes_in}</p>" if shapes_in else "")
        + f"<table>{''.join(answers)}</table></details>"
    )


def _shape(schema: Mapping[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{_e(name)}">{_e(name)}</a>' if name else ""


def _inline(text: str) -> str:
    pieces = text.split("`")
    return "".join(f"<code>{_e(p)}</code>" if n % 2 else _e(p) for n, p in enumerate(pieces))


def _e(text: object) -> str:
    return html.escape(str(text))
