"""Is waiting work still wanted when its turn comes? (PR-3 collapse, S31)"""

from __future__ import annotations

from tocsin.core.model import IncidentStatus
from tocsin.core.ports import EffectKind, RemoteStatus


def no_longer_wanted(
    kind: EffectKind, status: IncidentStatus, remote: RemoteStatus, *, perhaps_applied: bool, superseded: bool
) -> str:
    """Why the work is withdrawn instead of sent; "" = send it.

    `status` is that of the incident's part now; `remote` the last known state there; `perhaps_applied` =
    an earlier attempt may have reached the provider, so it must be settled by looking (S29).
    """
    over = status in (IncidentStatus.RESOLVED, IncidentStatus.CLOSED)
    if superseded and kind not in (EffectKind.CREATE, EffectKind.REOPEN):
        return "it was never created there"
    match kind:
        case EffectKind.CREATE | EffectKind.REOPEN:
            if perhaps_applied:
                return ""
            if superseded:
                return "superseded: another target has it"
            if over:
                return "resolved meanwhile: not paged any more"
            if status is IncidentStatus.MITIGATED:
                return "acknowledged meanwhile: not paged any more"
        case EffectKind.ACKNOWLEDGE:
            if over:
                return "resolved meanwhile: the resolve follows"
            if status is IncidentStatus.OPEN:
                return "open again meanwhile"
            if remote is RemoteStatus.RESOLVED:
                return "resolved there: an acknowledgement would reopen it"
        case EffectKind.SNOOZE:
            if over or remote is RemoteStatus.RESOLVED:
                return "over: there is nothing to snooze"
            if status is IncidentStatus.OPEN:
                return "open again meanwhile"
        case EffectKind.RESOLVE:
            if not over:
                return "open again meanwhile"
            if remote is RemoteStatus.RESOLVED:
                return "resolved there already"
        case EffectKind.MERGE:
            if remote is RemoteStatus.RESOLVED:
                return "resolved there already"
        case EffectKind.ESCALATE:
            if over or remote is RemoteStatus.RESOLVED:
                return "over: nobody further is to be asked"
            if status is IncidentStatus.MITIGATED:
                return "acknowledged meanwhile: nobody further is to be asked"
        case EffectKind.ASSIGN:
            if over or remote is RemoteStatus.RESOLVED:
                return "over: nobody needs to have it any more"
        case EffectKind.UPDATE:
            if over or remote is RemoteStatus.RESOLVED:
                return "over: no update needed"
        case EffectKind.NOTE | EffectKind.MESSAGE:
            pass
    return ""


def sent_as(
    kind: EffectKind, status: IncidentStatus, *, perhaps_applied: bool, superseded: bool
) -> EffectKind:
    """A page that may have been created, but is not wanted any more, is settled by looking (S29): what is
    found there gets what came meanwhile (resolve, acknowledge, or just the text of one another target
    has), and what is not there is never created."""
    if not perhaps_applied or kind not in (EffectKind.CREATE, EffectKind.REOPEN):
        return kind
    if status in (IncidentStatus.RESOLVED, IncidentStatus.CLOSED):
        return EffectKind.RESOLVE
    if status is IncidentStatus.MITIGATED:
        return EffectKind.ACKNOWLEDGE
    return EffectKind.UPDATE if superseded else kind
