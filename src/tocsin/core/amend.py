"""A person words an incident anew: what changes, and how is it told?

What a person wrote is theirs: repeats of the alerts leave it alone from then on (S40).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.core.model import Actor, Incident, Line
from tocsin.core.severity import Severity
from tocsin.core.values import replace

FIELDS_MOST, NAME_MOST, VALUE_MOST = 50, 64, 2_000
"""Custom fields of one incident, characters of a name and of a value."""

_SHOWN_MOST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a person asks for; None = as it is. `fields` are set one by one, None or "" takes one away."""

    title: str | None = None
    description: str | None = None
    severity: Severity | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The incident in its new words, with a line for each change. `rises_to` = it is to be routed again at this
    severity, which it does not have yet."""

    incident: Incident
    lines: tuple[Line, ...] = ()
    rises_to: Severity | None = None

    @property
    def changed(self) -> bool:
        return bool(self.lines) or self.rises_to is not None


def amend(incident: Incident, wanted: Wording, actor: Actor) -> Amended:
    """What follows from a person's words; what is so already is no change. A rise is left to `core/rise.py`."""
    by_hand, lines = set(incident.by_hand), list[Line]()
    after = incident
    if wanted.title is not None and wanted.title != incident.title:
        lines.append(_line("title", incident.title, wanted.title, actor))
        after = replace(after, title=wanted.title)
        by_hand.add("title")
    if wanted.description is not None and wanted.description != incident.description:
        lines.append(_line("description", incident.description, wanted.description, actor))
        after = replace(after, description=wanted.description)
        by_hand.add("description")
    fields = dict(incident.fields)
    for name, value in wanted.fields.items():
        before = fields.get(name, "")
        if (value or "") == before:
            continue
        fields[name] = value or ""
        lines.append(_line(name, before, value or "", actor, of="fields"))
        by_hand.add("fields")
    after = replace(after, fields={n: v for n, v in fields.items() if v}, by_hand=frozenset(by_hand))
    severity = wanted.severity
    rises = severity is not None and severity.rank > incident.severity.rank and incident.open
    if severity is not None and severity is not incident.severity and not rises:
        lines.append(_line("severity", incident.severity.value, severity.value, actor))
        after = replace(after, severity=severity)
    return Amended(incident=after, lines=tuple(lines), rises_to=severity if rises else None)


def _line(name: str, before: str, after: str, actor: Actor, *, of: str = "") -> Line:
    what = f"Field {name}" if of else name.capitalize()
    if not after:
        text = f"{what} removed by {actor.shown}: it was {_short(before)}"
    elif not before:
        text = f"{what} set by {actor.shown}: {_short(after)}"
    else:
        text = f"{what} changed by {actor.shown}: {_short(before)} -> {_short(after)}"
    data = {"field": f"{of}.{name}" if of else name, "before": before, "after": after}
    return Line(kind="amended", text=text, reason="person", data=data)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_MOST else f"{line[: _SHOWN_MOST - 1]}…"
