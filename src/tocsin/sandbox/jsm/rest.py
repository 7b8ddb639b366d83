"""What does the simulated JSM Operations answer? For now only that it is not built yet."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tocsin.sandbox.gate import Door, Gate

NOT_YET = "The sandbox does not simulate JSM Operations yet; its Opsgenie on the port before speaks the same alert dialect."


class NeverRaised(Exception):
    """JSM refuses nothing by itself yet."""


def application(gate: Gate) -> web.Application:
    app = gate.application(Door("jsm", "alert", _operation, _admit, _plain, _throttled, NeverRaised))
    app.router.add_route("*", "/{anything:.*}", _not_yet)
    return app


async def _not_yet(request: web.Request) -> web.Response:
    return _plain(501, NOT_YET)


def _operation(method: str, path: str, body: Any) -> str:
    return "read" if method == "GET" else "other"


def _admit(request: web.Request, body: Any) -> dict[str, str]:
    return {}


def _plain(status: int, text: str) -> web.Response:
    return web.json_response({"message": text}, status=status)


def _throttled(wait: float | None) -> web.Response:
    headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
    return web.json_response({"message": "Too many requests"}, status=429, headers=headers)
