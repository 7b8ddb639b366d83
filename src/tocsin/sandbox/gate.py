"""What stands between a caller and a simulated vendor? Recording, ordered faults, the vendor's own admission, in that order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any, Protocol

from aiohttp import web

from tocsin.sandbox.clock import Clock, iso_millis
from tocsin.sandbox.faults import REQUEST_KINDS, Fault, Faults
from tocsin.sandbox.ledger import Ledger, redact_body, redact_headers

_LOG = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SILENT = web.RequestKey("silent", bool)
DOOMED = web.RequestKey("doomed", bool)
LONGEST_BODY = 2 * 1024 * 1024
_HANG_SECONDS = 300.0  # longer than any caller's patience; a lifted fault ends it sooner


class Refused(Protocol):
    """A vendor's refusal: an exception that knows its answer."""

    def response(self) -> web.Response: ...


@dataclass(frozen=True)
class Door:
    """How one simulated API differs from the others at its door.

    `operation` names what a call does (one of faults.OPERATIONS), `admit` returns headers for the answer or raises the
    vendor's refusal, `plain` makes an error body for a status, `throttled` the 429 (seconds to wait, None = without headers).
    """

    vendor: str
    api: str
    operation: Callable[[str, str, Any], str]
    admit: Callable[[web.Request, Any], dict[str, str]]
    plain: Callable[[int, str], web.Response]
    throttled: Callable[[float | None], web.Response]
    refusal: type[Exception]


@dataclass(frozen=True)
class Gate:
    """Makes the middleware of each API."""

    clock: Clock
    ledger: Ledger
    faults: Faults

    def application(self, door: Door) -> web.Application:
        @web.middleware
        async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._pass(door, request, handler)

        return web.Application(middlewares=[pass_through], client_max_size=LONGEST_BODY)

    async def _pass(self, door: Door, request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.monotonic()
        raw = await request.read()
        body = _parsed(raw)
        operation = door.operation(request.method, request.path, body)
        call = self.ledger.open(
            vendor=door.vendor,
            api=door.api,
            at=iso_millis(self.clock.now()),
            method=request.method,
            path=request.path,
            operation=operation,
            query={name: request.query.getall(name) for name in request.query},
            headers=redact_headers(request.headers),
            body=redact_body(raw),
        )
        fault = self.faults.strike(door.vendor, door.api, operation, request.path, REQUEST_KINDS)
        call.fault = fault.kind if fault else None
        response: web.StreamResponse | None = None
        try:
            response = await self._answer(door, request, body, handler, fault)
            return response
        finally:
            cut = fault is not None and fault.kind in ("hang", "reset", "timeout_after_write")
            call.status = None if cut or response is None else response.status
            call.elapsed_ms = round((time.monotonic() - began) * 1000, 2)

    async def _answer(
        self, door: Door, request: web.Request, body: Any, handler: Handler, fault: Fault | None
    ) -> web.StreamResponse:
        kind = fault.kind if fault else ""
        if fault and kind == "latency":
            await _until_lifted(fault, (fault.delay_ms or 1000.0) / 1000)
        if kind in ("500", "502", "503"):
            return door.plain(int(kind), "The sandbox was told to fail this call")
        if fault and kind in ("429", "429_bare"):
            return door.throttled(None if kind == "429_bare" else fault.retry_after or 1.0)
        if fault and kind == "hang":
            return await _hang(request, fault)
        if kind == "reset":
            return _reset(request)
        request[SILENT] = kind == "created_not_notified"
        request[DOOMED] = kind == "processing_failed"
        response = await _handled(door, request, body, handler)
        response.headers.setdefault("Date", format_datetime(self.clock.now(), usegmt=True))
        if fault and kind == "timeout_after_write":
            return await _hang(request, fault)
        if kind == "invalid_json" and isinstance(response, web.Response):
            text = response.text or ""
            return web.Response(
                status=response.status, text=text[: len(text) // 2], content_type="application/json"
            )
        return response


async def _handled(door: Door, request: web.Request, body: Any, handler: Handler) -> web.StreamResponse:
    headers: dict[str, str] = {}
    try:
        headers = door.admit(request, body)
        response = await handler(request)
    except door.refusal as refusal:
        response = refusal.response()  # type: ignore[attr-defined]
    except web.HTTPException as error:
        response = door.plain(error.status, error.reason)
    except (AttributeError, KeyError, TypeError, ValueError):
        _LOG.exception("%s %s: the body has not the documented shape", request.method, request.path)
        response = door.plain(400, "The body has not the documented shape")
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


async def _hang(request: web.Request, fault: Fault) -> web.StreamResponse:
    await _until_lifted(fault, fault.seconds or _HANG_SECONDS)
    return _reset(request)


async def _until_lifted(fault: Fault, seconds: float) -> None:
    """So long, or until the fault is removed."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await fault.lifted.wait()


def _reset(request: web.Request) -> web.StreamResponse:
    """Drop the connection with a TCP reset; the answer returned goes nowhere."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=499)
