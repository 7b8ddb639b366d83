"""Who sends a request, for the audit log: what is asked for, from where, and by which fields; never what they hold."""

from __future__ import annotations

import json

from fastapi import Request

from tocsin.engine.acting import Acting

_MOST_NAMES = 50


def caller_of(request: Request, name: str, *, writes: bool) -> Acting:
    """What is known of a request before anybody has looked who sends it. `name` = the route's."""
    agent = request.headers.get("user-agent", "")
    return Acting(
        origin="command" if agent.startswith(("im/", "im ")) else "api",
        action=f"api.{name}",
        object=request.url.path.removeprefix("/api/v1/")[:300],
        address=request.client.host if request.client else "",
        given=lambda: _names(request),
        writes=writes,
    )


def _names(request: Request) -> list[str]:
    """The fields of the query and the body that came."""
    found = list(request.query_params)
    try:
        body = json.loads(getattr(request, "_body", b"") or b"{}")
    except (ValueError, RecursionError):
        body = {}
    return [*found, *(str(name)[:100] for name in body if isinstance(body, dict))][:_MOST_NAMES]
