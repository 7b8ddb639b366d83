"""How is a write of the Alert API put down?

Contract: opsgenie/opsgenie-oas@71c5534 and https://docs.opsgenie.com/docs/alert-api (2026-11-20).
"""

from __future__ import annotations

from urllib.parse import quote

from tocsin.core.model import Json
from tocsin.core.ports import Call, Effect, EffectKind, Request
from tocsin.providers.opsgenie import alerts, answers, options
from tocsin.providers.opsgenie.options import Settings

_VERB = {
    EffectKind.ACKNOWLEDGE: "acknowledge",
    EffectKind.SNOOZE: "snooze",
    EffectKind.RESOLVE: "close",
    EffectKind.NOTE: "notes",
    EffectKind.ASSIGN: "assign",
}


def request(settings: Settings, method: str, path: str, body: Json = None) -> Request:
    """A signed request; `path` begins with a slash and may hold a query."""
    headers = {"Authorization": f"GenieKey {options.word(settings, 'api_key')}"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    return Request(
        method=method, url=options.address(settings) + path, headers=headers, body=answers.dumped(body)
    )


def path_of(remote_id: str, key: str, verb: str = "") -> str:
    """The path of one alert, by id when it is known (S43), else by alias."""
    identifier, kind = (remote_id, "id") if remote_id else (alerts.wire_alias(key), "alias")
    quoted = quote(identifier, safe="", errors="replace")
    return f"/v2/alerts/{quoted}{f'/{verb}' if verb else ''}?identifierType={kind}"


def write(effect: Effect, settings: Settings, part: int = 0) -> Call:
    """The write of an effect; an update is a chain of writes, one per part."""
    if effect.kind is EffectKind.UPDATE and options.is_jsm(settings):
        # there is no verb for it: the new words come as a note
        note = {**alerts.act_body(effect), "note": alerts.news(effect)}
        return Call(request(settings, "POST", path_of(effect.remote_id, effect.key, "notes"), note), "write")
    if effect.kind is EffectKind.ESCALATE:
        return further(effect, settings)
    if effect.kind is not EffectKind.UPDATE:
        path = path_of(effect.remote_id, effect.key, _VERB[effect.kind])
        if effect.kind is EffectKind.ASSIGN and not effect.assignee_email:
            return in_words(effect, settings)
        body = alerts.act_body(effect) | alerts.sleep(effect) | alerts.owner(effect)
        return Call(request(settings, "POST", path, body), "write")
    name, value = parts(effect, settings)[part]
    path = path_of(effect.remote_id, effect.key, name)
    method = "POST" if name == "details" else "PUT"
    return Call(request(settings, method, path, {name: value, **alerts.act_body(effect)}), f"write:{part}")


def further(effect: Effect, settings: Settings) -> Call:
    """A user or the mapped policy besides; the API has no word for "whoever is next", so that is said in a note."""
    found: dict[str, str] | None = None
    if effect.whom == "user" and effect.assignee_email:
        found = {"type": "user", "username": effect.assignee_email}
    elif effect.whom == "policy":
        found = options.mapped_policy(settings, effect.policy)
    if found is None:
        return in_words(effect, settings)
    verb, name = ("escalate", "escalation") if found["type"] == "escalation" else ("responders", "responder")
    one = {key: value for key, value in found.items() if verb == "responders" or key != "type"}
    path = path_of(effect.remote_id, effect.key, verb)
    return Call(request(settings, "POST", path, alerts.act_body(effect) | {name: one}), "write")


def in_words(effect: Effect, settings: Settings) -> Call:
    """Who is to have it is not known there: it is said in a note."""
    note = {
        "user": "Tocsin",
        "source": alerts.SOURCE,
        "note": effect.words or f"Assigned to {effect.assignee}",
    }
    return Call(request(settings, "POST", path_of(effect.remote_id, effect.key, "notes"), note), "write:told")


def parts(effect: Effect, settings: Settings) -> list[tuple[str, Json]]:
    """What an update writes; description and custom fields only when there are some. Details are added to those
    there; what is no longer a field stays."""
    parts: list[tuple[str, Json]] = [
        ("message", alerts.message(effect)),
        ("description", alerts.description(effect)),
        ("priority", options.priority(settings, effect.severity)),
        ("details", alerts.custom(effect)),
    ]
    return [(name, value) for name, value in parts if value]
