"""The refusals a caller can act on.

    Refusal                      the request cannot be carried out as asked
    ├── BadInput                 a field is missing, of the wrong type or out of range
    ├── NotFound                 no such alert, incident, connector, integration …
    ├── Conflict                 the state does not allow it (already done, changed meanwhile)
    ├── NotAllowed               no or wrong key, token, signature or scope
    ├── TooLarge                 body or list over its limit
    └── Later                    nothing was stored, and trying again may work
        ├── Busy                 the queue or the disk is full, and nothing else (S17)
        └── Unavailable          this hub is stopping, or something that it needs is not there now

HTTP status codes live in `api/problems.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One thing that is wrong with one field.

    `field` is a dotted path ("labels.env", "3.title" inside a batch); `line` is the line of a
    configuration file, counted from 1, or None where there is no file.
    """

    field: str
    message: str
    line: int | None = None


class Refusal(Exception):
    """The request cannot be carried out as asked."""

    code = "refused"

    def __init__(self, message: str, *, faults: tuple[FieldFault, ...] = (), hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.faults = faults
        self.hint = hint


class BadInput(Refusal):
    """A field is missing, of the wrong type or out of range."""

    code = "bad_input"


class NotFound(Refusal):
    """There is no such thing."""

    code = "not_found"


class Conflict(Refusal):
    """The present state does not allow it."""

    code = "conflict"


class NotAllowed(Refusal):
    """No or a wrong key, token, signature or scope."""

    code = "not_allowed"


class TooLarge(Refusal):
    """The body or the list is over its limit."""

    code = "too_large"


class Later(Refusal):
    """Nothing was stored; trying again after `retry_after_seconds` may work."""

    def __init__(self, message: str, *, retry_after_seconds: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds = retry_after_seconds


class Busy(Later):
    """The queue or the disk is full. Many senders never come again: whoever raises it notes the refusal on
    `hub.refused`, which makes it an alarm (S17)."""

    code = "busy"


class Unavailable(Later):
    """This hub is stopping, or what it needs is not there now: no fault of the sender's, and no flood."""

    code = "unavailable"
