"""How does a failed command end? One exit code for each kind, and words: what happened, to what, what next.

0 ok, 1 failure, 2 usage, 3 not found, 4 authentication, 5 conflict, 6 cannot reach a server or provider,
7 partly done, 8 a check failed, 124 timeout, 130 interrupted.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.client.errors import Fault


class Code(IntEnum):
    """The exit codes; stable."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    AUTH = 4
    CONFLICT = 5
    UNREACHABLE = 6
    PARTIAL = 7
    CHECK_FAILED = 8
    TIMEOUT = 124
    INTERRUPTED = 130


MEANING = {
    Code.OK: "done; an empty list is done too, and so is what had been done before",
    Code.FAILURE: "the server refused, or something else went wrong",
    Code.USAGE: "the command line is wrong: an unknown option, a missing or impossible value",
    Code.NOT_FOUND: "there is no such incident, alert, connector …",
    Code.AUTH: "no token, a wrong one, or one without the needed scope",
    Code.CONFLICT: "the present state does not allow it",
    Code.UNREACHABLE: "the server (or the provider) cannot be reached or is too busy",
    Code.PARTIAL: "done for some of what was named and not for the rest",
    Code.CHECK_FAILED: "a check failed (im doctor)",
    Code.TIMEOUT: "no answer in time; whether the server acted is not known",
    Code.INTERRUPTED: "stopped by Ctrl-C",
}


class Failure(Exception):
    """A failure found on this side. `hint` is the next step and may be empty."""

    code = Code.FAILURE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Usage(Failure):
    """What was typed cannot be meant."""

    code = Code.USAGE


class Partial(Failure):
    """Some of it was done; everything has been told already."""

    code = Code.PARTIAL


class CheckFailed(Failure):
    """A check said no; everything has been told already."""

    code = Code.CHECK_FAILED


def exit_code(error: Exception) -> Code:
    """The exit code that an error of ours or of the client stands for."""
    from tocsin.client import errors

    if isinstance(error, Failure):
        return error.code
    if isinstance(error, errors.Problem):
        by_status = {
            401: Code.AUTH,
            403: Code.AUTH,
            404: Code.NOT_FOUND,
            410: Code.NOT_FOUND,
            409: Code.CONFLICT,
        }
        away = dict.fromkeys((429, 502, 503, 507), Code.UNREACHABLE)
        return (by_status | {412: Code.CONFLICT, 504: Code.TIMEOUT} | away).get(error.status, Code.FAILURE)
    if isinstance(error, errors.Unreachable):
        return Code.UNREACHABLE
    return Code.TIMEOUT if isinstance(error, errors.TimedOut) else Code.FAILURE


def next_step(error: Exception, url: str) -> str:
    """What to do about it: the error's own hint, else ours for its kind."""
    from tocsin.client import errors

    if hint := str(getattr(error, "hint", "")):
        return hint
    if isinstance(error, errors.Unreachable):
        return f"is it running? im serve starts one here; IM_URL says where else it is (now {url})"
    if isinstance(error, errors.NotAllowed):
        if error.status == 401:
            return "set IM_TOKEN to a token of this server (im token create makes one where you are allowed)"
        return "this token lacks the scope; im token create --scope … makes another"
    if isinstance(error, errors.NotFound):
        return "check the name; im list --status all shows every incident"
    if isinstance(error, errors.ServerFault):
        wait = f" in {error.retry_after:g} s" if error.retry_after else " later"
        return f"try again{wait}; im doctor shows how the server is"
    return ""


def fault_lines(faults: tuple[Fault, ...], *, file: str = "", text: str = "") -> list[str]:
    """The faults of a refusal, one or (with the file's text) three lines each, the last with a caret."""
    lines: list[str] = []
    source = text.splitlines()
    for fault in faults:
        place = (
            f"{file}:{fault.line}: "
            if file and fault.line
            else (f"line {fault.line}: " if fault.line else "")
        )
        lines.append(
            f"  {place}{fault.field}: {fault.message}" if fault.field else f"  {place}{fault.message}"
        )
        if fault.line and 0 < fault.line <= len(source):
            shown = source[fault.line - 1].expandtabs(4)
            number = f"  {fault.line:>5} | "
            column = fault.column - 1 if fault.column else _column(shown, fault.field)
            lines += [f"{number}{shown}", f"{' ' * (len(number) - 2)}| {' ' * column}^"]
    return lines


def _column(line: str, field: str) -> int:
    """Where in the line the fault is: at the last name of its field, else at the first character."""
    name = field.rpartition(".")[2]
    at = line.find(f"{name}:") if name else -1
    return at if at >= 0 else len(line) - len(line.lstrip())
