"""How large and how slow may a body be? Read whole before anything is made of it, within a size and a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tocsin.api import problems
from tocsin.core.errors import BadInput, FieldFault, Refusal, TooLarge

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class Limited:
    """Around the application: bodies over `most` bytes, or not there within `seconds`, are refused."""

    def __init__(self, app: Any, most: int, seconds: float = 15.0) -> None:
        self._app, self._most, self._seconds = app, most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        try:
            if _announced(scope) > self._most:
                raise self._too_large()
            async with asyncio.timeout(self._seconds):
                whole = await self._whole(receive)
        except TimeoutError:
            fault = FieldFault("body", f"did not arrive within {self._seconds:.0f} s")
            await _refuse(send, BadInput("The body came too slowly; nothing was changed", faults=(fault,)))
        except Refusal as refusal:
            await _refuse(send, refusal)
        else:
            if whole is not None:
                await self._app(scope, _replayed(whole, receive), send)

    async def _whole(self, receive: Receive) -> bytes | None:
        """The body; None when the caller hung up."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._most:
                raise self._too_large()
            if not message.get("more_body"):
                return b"".join(parts)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The body is larger than {self._most // 1024:,} KiB; nothing was changed")


def _announced(scope: Scope) -> int:
    text = next((v for n, v in scope["headers"] if n.lower() == b"content-length"), b"0")
    return int(text) if text.isdigit() else 0


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, refusal: Refusal) -> None:
    status, headers, body = problems.raw(refusal)
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
