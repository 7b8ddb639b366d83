"""How does the simulated PagerDuty say no?

Codes: developer.pagerduty.com, "Errors" (researched 2026-11-20). The sentence of a duplicate key is as captured by
four public repositories; texts of other errors are our wording, connectors must branch on status and code.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

DUPLICATE_KEY = "Open incident with matching dedup key already exists on this service"


class Refusal(Exception):
    """An answer that is not a success; `status` is the HTTP status."""

    def __init__(
        self, status: int, message: str, code: int | None, *errors: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {"error": {"message": message, "code": code, "errors": list(errors)}}

    def response(self) -> web.Response:
        return web.json_response(self.body, status=self.status, headers=self.headers)


def bad_input(*errors: str) -> Refusal:
    return Refusal(400, "Invalid Input Provided", 2001, *errors)


def bad_arguments(*errors: str) -> Refusal:
    return Refusal(400, "Arguments Caused Error", 2002, *errors)


def not_found(what: str = "Not Found") -> Refusal:
    return Refusal(404, what, 2100)


def already(code: int, sentence: str) -> Refusal:
    return Refusal(400, sentence, code, sentence)
