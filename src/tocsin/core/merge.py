"""Two incidents are one thing: may this one be merged into that one, and how do both stand afterwards?

The one that is merged is closed and points to its target; its alerts and services go there. Nobody who is still to be
asked is forgotten by it: what the target gains in severity or in open services pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.core.model import Actor, ActorKind, Incident, IncidentStatus, Line, Part
from tocsin.core.storm import is_storm
from tocsin.core.values import replace

_OPEN, _MITIGATED = IncidentStatus.OPEN, IncidentStatus.MITIGATED


def why_not(source: Incident, target: Incident) -> str:
    """Why the one cannot be merged into the other, in words; "" = it can, or it is so already."""
    if source.id == target.id:
        return f"{source.name} cannot be merged into itself"
    if source.merged_into is not None:
        return (
            ""
            if source.merged_into == target.number
            else f"{source.name} was merged into INC-{source.merged_into} already"
        )
    if not source.open:
        return f"{source.name} is {source.status.value}; there is nothing to merge"
    if target.merged_into is not None:
        return f"{target.name} was merged into INC-{target.merged_into}; merge into that one"
    if not target.open:
        return f"{target.name} is {target.status.value}; reopen it, or merge into one that is open"
    if is_storm(source) or is_storm(target):
        return (
            f"{source.name if is_storm(source) else target.name} is a storm, which is an incident of its own"
        )
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Both afterwards, with their lines. `rises` = the target is to be routed again at the severity of the source. `pages` =
    the target is open again for what came with it: somebody had it, and has not got that."""

    source: Incident
    target: Incident
    source_line: Line
    target_line: Line
    rises: bool
    pages: bool


def merge(source: Incident, target: Incident, alerts: int, actor: Actor, note: str, now: datetime) -> Merged:
    """What becomes of both; `alerts` = how many come with the source, for people."""
    parts = _together(source, target)
    opens = target.status is _MITIGATED and any(part.status is _OPEN for part in parts)
    after = replace(target, parts=parts, declared=target.declared or source.declared)
    if opens:
        after = replace(after, status=_OPEN, acknowledged_at=None, acknowledged_by="", snoozed_until=None)
    over = tuple(
        replace(part, status=IncidentStatus.CLOSED, changed_at=now, changed_by=actor.name)
        for part in source.parts
    )
    gone = replace(
        source, parts=over, status=IncidentStatus.CLOSED, resolved_at=now, resolved_by=ActorKind.PERSON, closed_at=now,
        snoozed_until=None, merged_into=target.number,
    )  # fmt: skip
    words = f": {note}" if note else ""
    with_it = f"{alerts} alert{'' if alerts == 1 else 's'} with it" if alerts else "it has no alerts"
    rises = source.severity.rank > target.severity.rank
    return Merged(
        source=gone, target=after, rises=rises, pages=opens,
        source_line=Line(
            kind="merged", text=f"Merged into {target.name} by {actor.shown}, and closed{words}", reason="person",
            data={"into": target.name},
        ),
        target_line=Line(
            kind="merged", text=f"{source.name} merged into this by {actor.shown}, {with_it}; {_pages(source, target, opens, rises)}",
            reason="person", data={"from": source.name},
        ),
    )  # fmt: skip


def _together(source: Incident, target: Incident) -> tuple[Part, ...]:
    """The target's services and, as they stand, those of the source that it had not or that were over there. Who has a
    service at the target has it for both."""
    left = {part.service: part for part in source.parts if part.status in (_OPEN, _MITIGATED)}
    parts = [
        left.pop(part.service, part) if part.status not in (_OPEN, _MITIGATED) else _kept(left, part)
        for part in target.parts
    ]
    only_nameless = len(parts) == 1 and not parts[0].service
    return (
        *parts,
        *(part for part in left.values() if part.service and not (only_nameless and not part.service)),
    )


def _kept(left: dict[str, Part], part: Part) -> Part:
    left.pop(part.service, None)
    return part


def _pages(source: Incident, target: Incident, opens: bool, rises: bool) -> str:
    """What still pages, said."""
    if rises:
        return f"it is {source.severity.sev} from now on, and routed again"
    if opens:
        return "open again: nobody has what came with it"
    if target.status is _OPEN:
        return "its page goes on"
    whose = target.acknowledged_by or "somebody"
    return f"{whose} has it, and pages of {source.name} end"
