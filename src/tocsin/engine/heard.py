"""What does the log say of a provider's webhook: that it came, what it was found to be, and what followed?

Whoever asks "why did nothing come back?" reads these with `im logs --component webhook`. A stranger can knock as often
as they like: of each kind of refusal thirty a minute are said, and the rest is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tocsin.core.errors import Refusal
from tocsin.core.ports import RemoteChange, Request
from tocsin.engine.hub import Hub, log
from tocsin.engine.line import shown
from tocsin.store.database import DatabaseAway
from tocsin.store.hooks import Hook

RESULTS = {
    "accepted": "stored, and worked off next",
    "bad signature": "kept aside: no secret of ours fits its signature; the provider is asked to come again",
    "stranger": "refused: it does not prove that it comes from the provider",
    "no such connector": "refused: no connector of this name takes webhooks",
    "rate limited": "put off: too many came from there in a minute; the provider comes again",
    "too large": "refused: its body is larger than any provider's",
    "not now": "put off: the hub stops, its credentials are lost or its database is away; the provider comes again",
    "refused": "refused for another reason, which the line says",
}
FOLLOWED = {
    "applied": "its changes were judged, and this followed",
    "duplicate": "all of it had been seen before; nothing followed",
    "unknown type": "a type of event that nothing here follows from; stored",
    "ping": "the provider's own test",
    "unreadable": "it is genuine and cannot be understood; stored",
}
_OF_CODE = {
    "quarantined": "bad signature", "not_allowed": "stranger", "forbidden": "stranger", "not_found": "no such connector",
    "busy": "rate limited", "rate_limited": "rate limited", "too_many": "rate limited", "too_large": "too large",
    "unavailable": "not now",
}  # fmt: skip
_BODY_SHOWN = 4_000


def accepted(hub: Hub, name: str, request: Request, hook: UUID) -> None:
    """It is on disk."""
    log.info(
        "webhook_received", connector=name, type=_type_of(hub, name), result="accepted", hook=str(hook),
        bytes=len(request.body), **_from(request), message=f"webhook of {name}: accepted, {len(request.body)} bytes",
        **_shown(hub, name, request),
    )  # fmt: skip
    hub.counted.webhook(name, "accepted")


def refused(hub: Hub, name: str, request: Request, fault: Refusal | DatabaseAway) -> None:
    """It was not taken, or only kept aside."""
    code = fault.code if isinstance(fault, Refusal) else "unavailable"
    result = _OF_CODE.get(code, "refused")
    known = name in hub.policy.connectors
    hub.counted.webhook(name if known else "", result)
    said, unsaid = hub.logs.sieve.lets(("webhook", name if known else "", result), hub.now())
    if not said:
        return
    why = fault.message if isinstance(fault, Refusal) else "the database is away"
    more = {"not_said": unsaid} if unsaid else {}
    log.warning(
        "webhook_refused", connector=name if known else "", type=_type_of(hub, name), result=result, bytes=len(request.body),
        **_from(request), **more, message=f"webhook of {name[:100]}: {result} ({why})",
    )  # fmt: skip


def followed(hub: Hub, hook: Hook, changes: Sequence[RemoteChange], told: Sequence[str]) -> None:
    """It was worked off."""
    result = _result(changes, told)
    kinds = sorted({change.raw_type or change.kind.value for change in changes})
    ids = sorted({change.delivery_id for change in changes if change.delivery_id})
    incidents = sorted({change.remote_id for change in changes if change.remote_id})
    what = "; ".join(told) or "nothing in it"
    log.info(
        "webhook_followed", connector=hook.connector, type=_type_of(hub, hook.connector), result=result, event_type=", ".join(kinds),
        delivery=", ".join(ids), remote=", ".join(incidents), hook=str(hook.id),
        message=f"webhook of {hook.connector}: {', '.join(kinds) or 'no event'}, {result}: {what}",
    )  # fmt: skip


def unreadable(hub: Hub, hook: Hook, why: str) -> None:
    """It cannot be understood."""
    log.warning(
        "webhook_followed", connector=hook.connector, type=_type_of(hub, hook.connector), result="unreadable", hook=str(hook.id),
        message=f"webhook of {hook.connector}: unreadable: {why}",
    )  # fmt: skip


def _result(changes: Sequence[RemoteChange], told: Sequence[str]) -> str:
    if changes and all(text == "ping" for text in told):
        return "ping"
    if told and all(text.endswith("seen before") for text in told):
        return "duplicate"
    if not changes or all(change.kind.value == "other" for change in changes):
        return "unknown type"
    return "applied"


def _type_of(hub: Hub, name: str) -> str:
    known = hub.policy.connectors.get(name)
    return known.type if known else ""


def _from(request: Request) -> dict[str, str]:
    agent = request.headers.get("user-agent", "")
    return {"remote_address": request.remote_address, **({"user_agent": agent[:100]} if agent else {})}


def _shown(hub: Hub, name: str, request: Request) -> dict[str, str]:
    """Its body, where the connector is to be debugged."""
    known = hub.policy.connectors.get(name)
    asked = known is not None and shown(hub, known)[0]
    return {"body": hub.redactor().body(request.body, _BODY_SHOWN)} if asked else {}
