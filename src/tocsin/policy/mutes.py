"""How does a silence or a window that somebody asks for become a mute, or a refusal that names the field? (S7)"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.facts import ALERT_TEXTS
from tocsin.core.hours import leaves
from tocsin.core.policy import Condition, MuteKind, Policy, Span, TimedMute
from tocsin.core.severity import Severity, severity_named
from tocsin.policy.cel_text import FIELDS, PLAIN_NAMES, ExpressionFault, tokens_of
from tocsin.policy.expressions import Expressions, definition_order
from tocsin.policy.times import spans, zone_fault

LONGEST = timedelta(days=366)
_NAMED = re.compile(r"no field (\w+)|there is no (\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mute as it is asked for, or as its row has it. `match` maps what must be equal: a text of the alert
    ("service", "source", "severity" …), or a label by its name, with or without "labels." before it. `when` and
    `match` must both hold. `everything` = it is meant to cover every alert."""

    kind: MuteKind
    name: str = ""
    when: str = ""
    match: Mapping[str, str] = field(default_factory=dict)
    everything: bool = False
    excepted: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    timezone: str = "UTC"
    starts_at: datetime
    ends_at: datetime | None = None
    owner: str = ""
    comment: str = ""


def mute_of(draft: Draft, policy: Policy, *, id: str = "") -> TimedMute:
    """The mute, compiled with the named facts of `policy`; raises BadInput with every fault and its field."""
    faults: list[FieldFault] = []
    mute = _made(draft, policy, id, faults)
    if faults:
        raise BadInput(f"This {_word(draft)} cannot be made", faults=tuple(faults))
    return mute


def checked(draft: Draft, policy: Policy, now: datetime, *, id: str = "") -> TimedMute:
    """The same of one that is asked for at `now`: it needs an end, an owner and a comment, and must not cover
    everything by accident."""
    faults: list[FieldFault] = []
    mute = _made(draft, policy, id, faults)
    for name, text in (("owner", draft.owner), ("comment", draft.comment)):
        if not text.strip():
            faults.append(
                FieldFault(
                    name,
                    f"is missing: every mute has an {name}"
                    if name == "owner"
                    else "is missing: say why, for who finds it at night",
                )
            )
    faults += _times(draft, mute, now)
    if not any(fault.field in ("when", "match") for fault in faults):
        faults += _reach(draft, mute, policy)
    if draft.kind is MuteKind.MAINTENANCE and not draft.name.strip():
        faults.append(FieldFault("name", "is missing: a maintenance window has a name"))
    if faults:
        raise BadInput(f"This {_word(draft)} cannot be made; nothing was changed", faults=tuple(faults))
    return mute


def _word(draft: Draft) -> str:
    return "silence" if draft.kind is MuteKind.SILENCE else "maintenance window"


def _made(draft: Draft, policy: Policy, id: str, faults: list[FieldFault]) -> TimedMute:
    if fault := zone_fault(draft.timezone):
        faults.append(FieldFault("timezone", fault))
    every: list[Span] = []
    for text in draft.every:
        try:
            every.extend(spans(text))
        except ValueError as error:
            faults.append(FieldFault("every", str(error)))
    excepted = set[Severity]()
    for word in draft.excepted:
        severity = severity_named(word)
        if severity is None:
            faults.append(
                FieldFault("except", f'"{word}" is none of critical, high, medium, low or SEV-1 to SEV-4')
            )
        else:
            excepted.add(severity)
    return TimedMute(
        kind=draft.kind, id=id, name=draft.name, when=_condition(draft, policy, faults), owner=draft.owner,
        comment=draft.comment, timezone="UTC" if fault else draft.timezone, every=tuple(every), start=draft.starts_at,
        end=draft.ends_at, except_severities=frozenset(excepted),
    )  # fmt: skip


def _condition(draft: Draft, policy: Policy, faults: list[FieldFault]) -> Condition:
    expressions = Expressions()
    written = {name: condition.text for name, condition in policy.facts}
    for name in definition_order(written)[0]:
        expressions.define(name, written[name])
    when = draft.when.strip()
    try:
        expressions.condition(when)
    except ExpressionFault as error:
        faults.append(FieldFault("when", _placed(str(error), when)))
        return expressions.condition("false")
    equal = [
        f"{_path(name)} == {json.dumps(value, ensure_ascii=False)}" for name, value in draft.match.items()
    ]
    parts = [*equal, *([f"({when})"] if when and equal else [when] if when else [])]
    try:
        return expressions.condition(" && ".join(parts))
    except ExpressionFault as error:
        faults.append(FieldFault("match", str(error)))
        return expressions.condition("false")


def _path(name: str) -> str:
    if name in ALERT_TEXTS:
        return f"alert.{name}"
    label = json.dumps(name.removeprefix("labels."), ensure_ascii=False)
    return f"alert.labels[{label}]"


def _placed(message: str, text: str) -> str:
    """The message with the place of the name it speaks of."""
    found = _NAMED.search(message)
    at = text.find(found[1] or found[2]) if found else -1
    return f"{message} (at character {at + 1})" if at >= 0 else message


def _times(draft: Draft, mute: TimedMute, now: datetime) -> list[FieldFault]:
    start, end = draft.starts_at, draft.ends_at
    faults: list[FieldFault] = []
    if end is None and not (draft.kind is MuteKind.MAINTENANCE and draft.every):
        faults.append(FieldFault("ends_at", "is missing: every mute has an end"))
    if end is not None and end <= start:
        faults.append(FieldFault("ends_at", "must be after starts_at"))
    elif end is not None and end <= now:
        faults.append(FieldFault("ends_at", "is over already"))
    elif end is not None and end - start > LONGEST:
        faults.append(
            FieldFault(
                "ends_at", "is more than a year after starts_at: what is quiet for so long needs a rule"
            )
        )
    if mute.every and leaves(mute.every, mute.timezone, start) is None:
        faults.append(FieldFault("every", "covers the whole week: it would never end"))
    return faults


def _reach(draft: Draft, mute: TimedMute, policy: Policy) -> list[FieldFault]:
    """Nobody silences everything by leaving something out."""
    facts = {*FIELDS, *PLAIN_NAMES, *(name for name, _ in policy.facts)}
    if any(token.text in facts for token in tokens_of(mute.when.text)):
        return []
    if not draft.everything:
        text = "covers every alert: say which by `match` or `when`, or mean it with `everything: true`"
        return [FieldFault("when" if draft.when else "match", text)]
    if Severity.CRITICAL not in mute.except_severities:
        return [FieldFault("except", "must hold critical: what covers everything lets the worst through")]
    return []
