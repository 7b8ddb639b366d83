"""What does a new connector need, asked for one by one, each answer checked before the next is asked?"""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING, Any

from tocsin.cli.command import Session
from tocsin.cli.failures import Failure, Usage
from tocsin.cli.wording import plain

if TYPE_CHECKING:
    from tocsin.client.connectors import ConnectorType, Prompt

TRIES = 3
DIRECTIONS = ("bidirectional", "outbound", "inbound")


def asked(session: Session, kind: str, name: str) -> dict[str, Any]:
    """The settings, as they were typed in. Nothing is stored."""
    known = {one.name: one for one in session.client.connector_types().items}
    if kind not in known:
        raise Usage(f"there is no connector type {plain(kind)}", hint=f"one of {', '.join(known)}")
    found = known[kind]
    session.print.say(f"A {found.title} connector called {plain(name)}. Enter takes what stands in brackets.")
    settings: dict[str, Any] = {}
    for prompt in found.prompts:
        _ask(session, found, name, prompt, settings)
    settings["sync_direction"] = _direction(session)
    return settings


def hidden(session: Session, label: str) -> str:
    """A line from the terminal that is not shown."""
    if _is_terminal(session):
        try:
            return getpass.getpass(label, stream=session.print.err).strip()
        except EOFError:
            raise Failure("nothing was typed; nothing was changed") from None
    return _line(session, label)


def _is_terminal(session: Session) -> bool:
    """True where the terminal can be told not to show what is typed."""
    try:
        return session.stdin is sys.stdin and os.isatty(session.stdin.fileno())
    except (OSError, ValueError):
        return False


def _ask(session: Session, kind: ConnectorType, name: str, prompt: Prompt, settings: dict[str, Any]) -> None:
    if prompt.hint:
        session.print.say(f"  {plain(prompt.hint)}", "dim")
    label = f"{prompt.label}{f' [{prompt.default}]' if prompt.default else ''}: "
    for left in reversed(range(TRIES)):
        typed = hidden(session, label) if prompt.secret else _line(session, label)
        value = typed or prompt.default
        if not value:
            if not prompt.required:
                return
            fault = "it is needed"
        else:
            kept = [part.strip() for part in value.split(",") if part.strip()] if prompt.several else value
            _put(settings, prompt.field, kept)
            fault = _fault(session, kind, name, prompt, settings)
            if not fault:
                return
            _put(settings, prompt.field, None)
        session.print.say(f"  {plain(fault)}", "red")
        if not left:
            raise Failure(f"{prompt.label} was not right; nothing was changed")


def _fault(session: Session, kind: ConnectorType, name: str, prompt: Prompt, settings: dict[str, Any]) -> str:
    """What the provider's folder, or the provider itself, says against the answer; "" when nothing."""
    from tocsin.client.errors import BadInput, ClientError

    check = getattr(session.client, "check_draft", None)
    if check is None:
        return ""
    try:
        found = check(name, kind.name, settings, partial=True)
    except BadInput as refused:
        own = [f.message for f in refused.faults if f.field.removeprefix("settings.") == prompt.field]
        return own[0] if own else ""
    except ClientError:
        return ""  # an earlier server, or one that cannot ask now: the whole is checked when it is added
    if not any(one.secret and _has(settings, one.field) for one in kind.prompts):
        return ""  # without a key the provider refuses everything
    lines = [line for line in found.lines if line.state == "failed"]
    return (
        f"{lines[0].text}{f'; {lines[0].step}' if lines[0].step else ''}"
        if lines and not found.unreachable
        else ""
    )


def _direction(session: Session) -> str:
    for _ in range(TRIES):
        typed = _line(session, f"Sync Direction: {', '.join(DIRECTIONS)} [outbound]: ").lower() or "outbound"
        near = [one for one in DIRECTIONS if one.startswith(typed)]
        if len(near) == 1:
            return near[0]
        session.print.say(f"  {plain(typed)} is none of them", "red")
    raise Failure("the direction was not right; nothing was changed")


def _line(session: Session, label: str) -> str:
    session.print.err.write(label)
    session.print.err.flush()
    typed = session.stdin.readline()
    if not typed:
        raise Failure("nothing was typed; nothing was changed")
    return typed.strip()


def _has(settings: dict[str, Any], field: str) -> bool:
    at: Any = settings
    for way in field.split("."):
        at = at.get(way) if isinstance(at, dict) else None
    return bool(at)


def _put(settings: dict[str, Any], field: str, value: object) -> None:
    """Put a value at a dotted field; None takes it away, and what is empty then."""
    first, _, rest = field.partition(".")
    if rest:
        inner = settings.setdefault(first, {})
        _put(inner, rest, value)
        if not inner:
            del settings[first]
    elif value is None:
        settings.pop(first, None)
    else:
        settings[first] = value
