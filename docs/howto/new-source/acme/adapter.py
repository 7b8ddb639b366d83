"""What does Acme Monitor say? One alert a request; facts: https://acme.example.com/docs/webhooks."""

from __future__ import annotations

from tocsin.core.model import Action, Event
from tocsin.core.payload import (
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    bounded,
    dedup_key,
    instant,
    one_line,
    plain,
    read_json,
    same_secret,
    tidy,
    with_notes,
)
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import sender_severity

_ACTIONS = {"down": Action.CREATE, "up": Action.RESOLVE}


def verify(request: Request, secret: str) -> bool:
    """The option `token` against the header x-acme-token; true when no token is set."""
    return not secret or same_secret(request.headers.get("x-acme-token", ""), secret)


def parse(request: Request, context: SourceContext) -> list[Event]:
    """The one event of a request."""
    body = read_json(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body must be a JSON object")
    state = plain(body.get("state"))
    action = _ACTIONS.get(state, Action.OTHER)
    severity = sender_severity(plain(body.get("level")))
    notes: list[str] = []
    return [
        Event(
            action=action,
            reason=f"state {state[:100]!r} is neither up nor down" if action is Action.OTHER else "",
            dedup_key=dedup_key(plain(body.get("check_id"))),
            title=bounded(one_line(plain(body.get("check"))), TITLE_LIMIT, "title", notes),
            description=bounded(tidy(plain(body.get("text"))), DESCRIPTION_LIMIT, "description", notes),
            severity=severity.severity,
            quiet=severity.quiet,
            sent_at=instant(body.get("at")),
            details=with_notes({}, notes),
        )
    ]
