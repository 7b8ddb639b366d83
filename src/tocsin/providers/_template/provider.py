"""The template of a provider: one POST for each effect, one word back.

Copy the folder, put its name into manifest.toml, change what is here, and run
`pytest tests/providers`: the tests find the folder by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from tocsin.core.model import Json
from tocsin.core.ports import (
    Accepted,
    Call,
    ConnectorSettings,
    Effect,
    EffectKind,
    FaultKind,
    Outcome,
    Rejected,
    RemoteStatus,
    Request,
    Response,
    Retry,
    Skipped,
    WireFault,
)


def check_settings(settings: Mapping[str, Json]) -> list[tuple[str, str]]:
    """(dotted field, what is wrong) for each fault; [] = usable."""
    url = settings.get("base_url")
    good = isinstance(url, str) and url.startswith("https://") and " " not in url
    return [] if good else [("base_url", "must be an https address")]


def first_call(effect: Effect, connector: ConnectorSettings) -> Call | Skipped | Rejected:
    """What to send first for an effect."""
    if effect.kind is not EffectKind.CREATE:
        return Skipped(reason="this provider can only be paged", status=RemoteStatus.UNKNOWN)
    body = json.dumps({"key": effect.key, "title": effect.title, "severity": effect.severity.value})
    headers = {"Authorization": f"Bearer {connector.settings.get('api_key', '')}"}
    url = f"{connector.settings.get('base_url', '')}/pages"
    return Call(Request(method="POST", url=url, headers=headers, body=body.encode()), "create")


def outcome_of(
    effect: Effect, connector: ConnectorSettings, step: str, answer: Response | WireFault
) -> Outcome:
    """What the answer meant; never raises, whatever the bytes."""
    if isinstance(answer, WireFault):
        return Retry(reason=answer.message, ambiguous=answer.kind is FaultKind.AMBIGUOUS)
    status = answer.status
    reason = f"answered {status}"
    if status == 429:
        return Retry(reason=reason, counts=False, throttled=True)
    if status == 408 or status >= 500:
        return Retry(reason=reason, ambiguous=True)
    if not 200 <= status < 300:
        return Rejected(reason=reason, status=status, counts=status in (401, 403))
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        return Retry(reason=f"{reason}, but the body is unreadable", ambiguous=True)
    return Accepted(remote_id=body["id"], created=True, status=RemoteStatus.TRIGGERED)
