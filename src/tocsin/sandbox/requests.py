"""What did the caller of the control API send, and does it fit?"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web


class Unfit(Exception):
    """The control API cannot do that; the text says why and what would fit."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


async def object_of(request: web.Request) -> dict[str, Any]:
    """The JSON object of the body; an empty body is an empty object."""
    body = await request.json() if await request.read() else {}
    if not isinstance(body, dict):
        raise Unfit(400, "The body must be a JSON object")
    return body


def number(request: web.Request, name: str) -> int:
    text = request.query.get(name, "0")
    if not text.isdigit():
        raise Unfit(400, f"{name} must be a whole number")
    return int(text)


def add_query(url: str, name: str, value: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{name}={quote(value, safe='')}"
