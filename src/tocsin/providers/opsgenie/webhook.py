"""Is this webhook Opsgenie's, and what does it tell?

There is no signature: a token in the address or a secret header is the proof. Bodies:
https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data (2026-11-20). Only part
of the spellings of `action` is documented, so they are read without regard to case, and unknown ones are OTHER.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs

from tocsin.core.model import Json
from tocsin.core.ports import ChangeKind, Malformed, Proof, RemoteChange, Request
from tocsin.providers.opsgenie import alerts, options
from tocsin.providers.opsgenie.answers import items, json_of, mapping, text
from tocsin.providers.opsgenie.options import Settings

KINDS = {
    "create": ChangeKind.TRIGGERED,
    "acknowledge": ChangeKind.ACKNOWLEDGED,
    "snooze": ChangeKind.SNOOZED,
    "unacknowledge": ChangeKind.UNACKNOWLEDGED,
    "close": ChangeKind.RESOLVED,
    "addnote": ChangeKind.NOTE,
    "assignownership": ChangeKind.REASSIGNED,
    "takeownership": ChangeKind.REASSIGNED,
    "addrecipient": ChangeKind.REASSIGNED,
    "addresponder": ChangeKind.REASSIGNED,
    "addteam": ChangeKind.REASSIGNED,
    "escalate": ChangeKind.ESCALATED,
    "escalatenext": ChangeKind.ESCALATED,
    "escalatetonext": ChangeKind.ESCALATED,
    "updatepriority": ChangeKind.PRIORITY,
}


def verify(request: Request, settings: Settings) -> Proof:
    """GENUINE by the right token or the right header, WRONG when one is shown that does not fit, else a
    STRANGER."""
    try:
        shown = parse_qs(request.query, max_num_fields=50).get("token", [])
    except ValueError:
        shown = []
    genuine = False
    for ours in options.tokens(settings):
        for theirs in shown:
            genuine |= _same(ours, theirs)  # every pair is compared: constant time
    name, content = options.secret_header(settings)
    offered = request.headers.get(name) if name else None
    if offered is not None:
        genuine |= _same(content, offered.strip())
    if genuine:
        return Proof.GENUINE
    return Proof.WRONG if shown or offered is not None else Proof.STRANGER


def read(request: Request) -> list[RemoteChange]:
    """The one change in a delivery. Raises Malformed."""
    body = json_of(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body is not a JSON object")
    action, alert = text(body.get("action")), mapping(body, "alert")
    if not action:
        raise Malformed("the name of the action is missing", "action")
    alert_id, note, changed = text(alert.get("alertId")), text(alert.get("note")), alert.get("updatedAt")
    identity = request.body
    if alert_id and isinstance(changed, int | float | str):
        identity = f"{alert_id}|{action.lower()}|{changed}|{note}".encode("utf-8", "replace")
    kind = KINDS.get("".join(letter for letter in action.lower() if letter.isalnum()), ChangeKind.OTHER)
    return [
        RemoteChange(
            kind=kind,
            delivery_id=hashlib.sha256(identity).hexdigest(),
            remote_id=alert_id,
            key=alerts.own_key(alert.get("alias")),
            person=alerts.person(text(alert.get("username"))),
            agent_id=text(alert.get("userId")),
            note=note,
            title=text(alert.get("message")),
            service_id=_team(alert) if kind is ChangeKind.TRIGGERED else "",
            correlation_id=text(mapping(alert, "details").get("correlation_id"))
            if kind is ChangeKind.TRIGGERED
            else "",
            urgency=text(alert.get("priority")),
            assignee=text(alert.get("owner")) if kind is ChangeKind.REASSIGNED else "",
            until=alerts.instant(alert.get("snoozeEndDate")) if kind is ChangeKind.SNOOZED else None,
            occurred_at=alerts.instant(changed),
            raw_type=action,
        )
    ]


def _team(alert: Mapping[str, Json]) -> str:
    """The first team that is asked, as a responder is written here ("team:Payments"); "" without one."""
    teams = [one for one in items(alert.get("responders")) if one.get("type") == "team"]
    name = text(teams[0].get("name")) if teams else ""
    return f"team:{name}" if name else ""


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode("utf-8", "replace"), theirs.encode("utf-8", "replace"))
