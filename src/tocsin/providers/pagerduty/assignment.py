"""Who there is the user that an incident is to be given to, and may it be given to them?"""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.core.model import Json
from tocsin.core.ports import (
    Accepted,
    Call,
    Effect,
    EffectKind,
    Outcome,
    Pending,
    RemoteStatus,
    Response,
    Skipped,
)
from tocsin.providers.pagerduty import answers, incidents
from tocsin.providers.pagerduty.calls import in_words, user_in, who
from tocsin.providers.pagerduty.options import Settings
from tocsin.providers.pagerduty.writes import write

NOT_THERE = "PagerDuty has no user with their address"


def begin(effect: Effect, settings: Settings, remote_id: str, mine: str = "") -> Call:
    """The write; where somebody is to have it, who that is there comes first. `mine` = who has it there now."""
    if effect.kind is EffectKind.REOPEN and effect.assignee_email:
        return who(settings, effect.assignee_email, mine)
    return write(effect, settings, remote_id)


def assignable(effect: Effect, settings: Settings, incident: Mapping[str, Json]) -> Outcome:
    """Assigning takes an acknowledgement back there: never one that we have not heard of yet."""
    status, remote_id = incidents.status(incident), answers.text(incident.get("id"))
    if status is RemoteStatus.RESOLVED:
        return Skipped(reason="it is resolved at PagerDuty", status=status)
    if status is RemoteStatus.ACKNOWLEDGED:
        return Skipped(
            reason="somebody has it there; assigning would ring again", status=RemoteStatus.UNKNOWN
        )
    if not effect.assignee_email:
        return Pending(in_words(effect, settings, remote_id), remote_id=remote_id)
    return Pending(
        who(settings, effect.assignee_email, ",".join(incidents.assignees(incident))), remote_id=remote_id
    )


def given(effect: Effect, settings: Settings, mine: str, answer: Response, body: Json) -> Outcome:
    """Give it to the user with that address; one who is not there is named in a note."""
    if not isinstance(body.get("users"), list):
        return answers.unreadable(answer)
    user = user_in(body, effect.assignee_email)
    if effect.kind is EffectKind.ASSIGN and not user:
        return Pending(in_words(effect, settings, effect.remote_id))
    if effect.kind is EffectKind.ASSIGN and user == mine:
        return Accepted(remote_id=effect.remote_id, created=True, adopted=True)
    return Pending(write(effect, settings, effect.remote_id, user))
