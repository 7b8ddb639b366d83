"""Which part of a list did the caller ask for? PagerDuty's classic paging and its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from tocsin.sandbox.pagerduty.account import Json
from tocsin.sandbox.pagerduty.errors import bad_input

T = TypeVar("T")
DEFAULT_LIMIT = 25
MAX_LIMIT = 100
MAX_REACH = 10_000


def page(request: web.Request, name: str, items: Sequence[T], shown: Callable[[T], Json]) -> web.Response:
    """`{name: [...], limit, offset, more, total}`; total is null unless asked for. 400 when offset+limit > 10000."""
    limit = min(whole_number(request, "limit", DEFAULT_LIMIT), MAX_LIMIT)
    offset = whole_number(request, "offset", 0)
    if offset + limit > MAX_REACH:
        raise bad_input("Offset must be less than 10000 minus limit; narrow the search instead")
    chosen = items[offset : offset + limit]
    total = len(items) if request.query.get("total") == "true" else None
    body = {name: [shown(item) for item in chosen], "limit": limit, "offset": offset}
    return web.json_response({**body, "more": offset + limit < len(items), "total": total})


def whole_number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdigit():
        raise bad_input(f"{name} must be a whole number")
    return int(text)


def moment(request: web.Request, name: str) -> datetime | None:
    """An ISO 8601 time of the query; without a zone it is UTC."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise bad_input(f"{name} must be an ISO 8601 time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
