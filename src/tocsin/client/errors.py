"""What can go wrong between a client and the server, and what does the server say about it?

ClientError
├── Unreachable          no connection could be made, or it broke off
├── TimedOut             connected, but no answer within the timeout (the act may have happened)
├── UnexpectedAnswer     an answer that is not of the API's shapes
└── Problem              the server refused, with a problem document (RFC 9457)
    ├── BadInput         400, 413, 415, 422
    ├── NotAllowed       401, 403
    ├── NotFound         404, 410
    ├── Conflict         409, 412
    └── ServerFault      429 and 5xx
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one field: `line` and `column` count from 1 and are None where there is no file."""

    field: str
    message: str
    line: int | None = None
    column: int | None = None


class ClientError(Exception):
    """The call did not succeed. `hint` says what to do next and may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Unreachable(ClientError):
    """No connection to the server, or it broke off before an answer came.

    `sent` is False when no connection was made: then the server has certainly not acted.
    """

    sent = True


class TimedOut(ClientError):
    """Connected, but no answer in time: whether the server acted is unknown."""


class UnexpectedAnswer(ClientError):
    """The server answered something that is not of the API's shapes (another program, or a newer version)."""


class Problem(ClientError):
    """The server refused and said why.

    `status` is the HTTP status, `code` a stable word ("bad_input"), `retry_after` seconds or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        faults: tuple[Fault, ...] = (),
        hint: str = "",
        retry_after: float | None = None,
        document: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.faults = faults
        self.retry_after = retry_after
        self.document = document or {}


class BadInput(Problem):
    """A field is missing, of the wrong type or out of range: see `faults`."""


class NotAllowed(Problem):
    """No token, a wrong one, or one without the scope."""


class NotFound(Problem):
    """There is no such thing."""


class Conflict(Problem):
    """The present state does not allow it."""


class ServerFault(Problem):
    """The server is busy or broken; trying again later may work."""


_KINDS: dict[int, type[Problem]] = {
    400: BadInput,
    413: BadInput,
    415: BadInput,
    422: BadInput,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    410: NotFound,
    409: Conflict,
    412: Conflict,
    429: ServerFault,
}


def problem_from(
    status: int, reason: str, document: object, *, what: str, retry_after: float | None = None
) -> Problem:
    """Make the exception of an answer >= 400.

    `document` is the parsed body, whatever it is; `what` names the call ("POST /api/v1/alerts") and is
    used where the server sent no words of its own.
    """
    kind = _KINDS.get(status, ServerFault if status >= 500 else Problem)
    if not isinstance(document, dict):
        return kind(f"{what} was answered {status} {reason}".rstrip(), status=status, retry_after=retry_after)
    detail = str(document.get("detail") or document.get("title") or f"{what} was answered {status} {reason}")
    return kind(
        detail.strip(),
        status=status,
        code=str(document.get("code") or ""),
        faults=_faults(document.get("faults")),
        hint=str(document.get("hint") or ""),
        retry_after=retry_after,
        document=document,
    )


def _faults(listed: object) -> tuple[Fault, ...]:
    if not isinstance(listed, list):
        return ()
    return tuple(
        Fault(
            field=str(one.get("field") or ""),
            message=str(one.get("message") or ""),
            line=one["line"] if isinstance(one.get("line"), int) else None,
            column=one["column"] if isinstance(one.get("column"), int) else None,
        )
        for one in listed
        if isinstance(one, dict)
    )
