"""When does a snooze end, here and at a provider (S26)?"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.core.errors import BadInput, FieldFault
from tocsin.core.model import Incident, IncidentStatus

MOST = timedelta(days=7)
LONGER_THERE = timedelta(minutes=5)
"""A provider's own end comes so much later: by then the hub has ended it, and rung."""


def end_of(span: timedelta | None, until: datetime | None, now: datetime) -> datetime:
    """The instant named by one of the two, in whole seconds. Raises BadInput naming the field."""
    if (span is None) == (until is None):
        said = "is required, or until" if span is None else "and until are two ends: give one of them"
        raise _fault("for", said)
    field = "until" if span is None else "for"
    if span is not None:
        if span <= timedelta(0):
            raise _fault(field, "should be longer than nothing")
        end = now + min(span, MOST * 2)
    else:
        assert until is not None
        end = until
    end = end.replace(microsecond=0)
    if end <= now:
        raise _fault(field, "is past already" if field == "until" else "should be at least a second or two")
    if end > now + MOST:
        raise _fault(field, "is more than 7 days; snooze it again then, or resolve it")
    return end


def _fault(field: str, text: str) -> BadInput:
    return BadInput(
        "It cannot be snoozed so; nothing was changed", faults=(FieldFault(field, text),),
        hint='give {"for": "2h"}, or {"until": "2026-12-24T18:00:00Z"} at most 7 days ahead',
    )  # fmt: skip


def is_over(incident: Incident, now: datetime) -> bool:
    """True when a snoozed incident is to be open again."""
    until = incident.snoozed_until
    return incident.status is IncidentStatus.MITIGATED and until is not None and until <= now


def bounded(until: datetime | None, now: datetime) -> datetime | None:
    """The end of a snooze made at a provider as it holds here; None when it has none to come."""
    if until is None or until <= now:
        return None
    return min(until, now + MOST).replace(microsecond=0)
