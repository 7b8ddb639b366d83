"""How does an effect become calls of the Alert API, and what did each answer mean?

Every write is answered 202 with a request id and judged later (Pending, `poll:<n>:<id>`). Every chain ends:
lookup -> search -> create -> poll, or read -> write -> poll. Contract: opsgenie/opsgenie-oas@71c5534 and
https://docs.opsgenie.com/docs/alert-api (2026-11-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import quote, urlencode

from tocsin.core.model import Json
from tocsin.core.ports import (
    Accepted,
    Call,
    Effect,
    EffectKind,
    Outcome,
    Pending,
    Rejected,
    RemoteStatus,
    Response,
    Retry,
    Skipped,
    WireFault,
)
from tocsin.providers.opsgenie import alerts, answers, options, writes
from tocsin.providers.opsgenie.options import Settings
from tocsin.providers.opsgenie.writes import path_of, request

__all__ = ["first_call", "outcome_of", "path_of", "request", "search"]

POLLS = 9  # 0.1 s, doubling: 51 s in all
_REACHED = {
    EffectKind.CREATE: RemoteStatus.TRIGGERED,
    EffectKind.ACKNOWLEDGE: RemoteStatus.ACKNOWLEDGED,
    EffectKind.RESOLVE: RemoteStatus.RESOLVED,
}


def search(settings: Settings, keys: list[str], step: str) -> Call:
    """The alerts with these aliases, in any state. Opsgenie's index follows its writes with a delay."""
    named = " OR ".join('"' + alerts.wire_alias(key).replace('"', "") + '"' for key in keys)
    query = urlencode(
        {"query": f"alias: ({named})", "limit": 100, "sort": "createdAt", "order": "desc"}, errors="replace"
    )
    return Call(request(settings, "GET", f"/v2/alerts?{query}"), step, reads=True)


def first_call(effect: Effect, settings: Settings) -> Call | Rejected:
    """What to send first."""
    if effect.kind is EffectKind.REOPEN:
        return Rejected(reason="Opsgenie cannot reopen; a new life is created instead", alarm=False)
    if effect.kind is EffectKind.MERGE:
        return Rejected(reason="Opsgenie has no merge", alarm=False)
    if effect.kind is EffectKind.MESSAGE:
        return Rejected(reason="Opsgenie makes an alert of everything it is sent; it takes no messages")
    if options.is_jsm(settings):
        if effect.kind in (EffectKind.SNOOZE, EffectKind.ASSIGN, EffectKind.ESCALATE):
            why = f"the integration events of JSM Operations have no {effect.kind.value}"
            return Rejected(reason=why, alarm=False)
        # its events API reads nothing: the alias keeps a second create from being a second alert
        return (
            _create(effect, settings) if effect.kind is EffectKind.CREATE else writes.write(effect, settings)
        )
    if effect.kind is EffectKind.CREATE:
        return _read(effect, settings, "lookup") if effect.look_first else _create(effect, settings)
    if effect.kind is EffectKind.NOTE:
        return _notes(effect, settings) if effect.look_first else writes.write(effect, settings)
    return (
        _read(effect, settings, "read")
        if effect.reread or effect.look_first
        else writes.write(effect, settings)
    )


def outcome_of(effect: Effect, settings: Settings, step: str, answer: Response | WireFault) -> Outcome:
    """What the answer to the call named `step` meant."""
    name, _, rest = step.partition(":")
    not_there = isinstance(answer, Response) and answer.status == 404
    if not_there and name == "lookup":
        return Pending(search(settings, [effect.key], "search"))
    if not_there and name == "poll":
        return _poll_again(settings, rest)
    if refusal := answers.not_done(
        answer, options.secrets(settings), act=effect.kind is not EffectKind.CREATE
    ):
        if name == "poll" and isinstance(refusal, Retry) and not refusal.throttled:
            return _poll_again(settings, rest, refusal)
        return refusal
    assert isinstance(answer, Response)
    body = answers.json_of(answer.body)
    if not isinstance(body, dict):
        return answers.unreadable(answer)
    if name in ("write", "create"):
        return _taken(effect, settings, rest, answer, body)
    if name == "poll":
        return _judged(effect, settings, rest, body)
    if not isinstance(body.get("data"), dict if name in ("lookup", "read") else list):
        return answers.unreadable(answer)
    if name == "search":
        same = [it for it in answers.items(body["data"]) if it.get("alias") == alerts.wire_alias(effect.key)]
        return _found(effect, alerts.newest(same)) or Pending(_create(effect, settings))
    if name == "notes":
        written = any(note.get("note") == effect.note for note in answers.items(body["data"]))
        return _done(effect, adopted=True) if written else Pending(writes.write(effect, settings))
    found = answers.mapping(body, "data")
    if not answers.text(found.get("id")):
        return answers.unreadable(answer)
    if name == "lookup":
        return _found(effect, found) or answers.unreadable(answer)
    return _decided(effect, settings, found)


def _create(effect: Effect, settings: Settings) -> Call:
    return Call(request(settings, "POST", "/v2/alerts", alerts.create_body(effect, settings)), "create")


def _read(effect: Effect, settings: Settings, step: str) -> Call:
    return Call(request(settings, "GET", path_of(effect.remote_id, effect.key)), step, reads=True)


def _notes(effect: Effect, settings: Settings) -> Call:
    path = path_of(effect.remote_id, effect.key, "notes") + "&limit=100&order=desc"
    return Call(request(settings, "GET", path), "notes", reads=True)


def _taken(effect: Effect, settings: Settings, rest: str, answer: Response, body: Json) -> Outcome:
    """202: taken at the door. The next part of an update, else the first poll."""
    request_id = answers.text(body.get("requestId"))
    if not request_id:
        return answers.unreadable(answer)
    part = int(rest) + 1 if rest.isdecimal() else 0
    if (
        effect.kind is EffectKind.UPDATE
        and not options.is_jsm(settings)
        and part < len(writes.parts(effect, settings))
    ):
        return Pending(writes.write(effect, settings, part), accepted=True)
    return Pending(_poll(settings, 1, request_id), accepted=True)


def _poll(settings: Settings, turn: int, request_id: str) -> Call:
    path = f"/v2/alerts/requests/{quote(request_id, safe='', errors='replace')}"
    after = timedelta(milliseconds=50 * 2**turn)
    return Call(request(settings, "GET", path), f"poll:{turn}:{request_id}", reads=True, after=after)


def _poll_again(settings: Settings, rest: str, fault: Retry | None = None) -> Outcome:
    """Not processed yet (404 until it is): again, until the deadline the number of polls sets."""
    turn, _, request_id = rest.partition(":")
    if (count := int(turn) if turn.isdecimal() else POLLS) < POLLS:
        return Pending(_poll(settings, count + 1, request_id), accepted=True)
    return fault or Retry(reason="Opsgenie took the request but has not processed it", ambiguous=True)


def _judged(effect: Effect, settings: Settings, rest: str, body: Json) -> Outcome:
    """The status of a request: processed well, not yet, or refused in words."""
    data = answers.mapping(body, "data") or answers.mapping(body)
    good = data.get("isSuccess", data.get("success"))
    if not isinstance(good, bool):
        return _poll_again(settings, rest)
    alert_id = answers.text(data.get("alertId"))
    said = answers.hide(answers.text(data.get("status")), options.secrets(settings))
    words = said.lower()
    if good:
        if effect.kind is EffectKind.CREATE and not alert_id:
            return Rejected(reason=f"Opsgenie made no alert: {said}", unreachable=True)
        return _done(effect, alert_id)
    if effect.kind is EffectKind.RESOLVE and ("already" in words or "no open alert" in words):
        return _done(effect, alert_id, adopted=True)
    if effect.kind is EffectKind.ACKNOWLEDGE and "already acknowledged" in words:
        return _done(effect, alert_id, adopted=True)
    if effect.kind is not EffectKind.CREATE:
        if "already closed" in words:
            return Skipped(reason=f"closed at Opsgenie: {said}", status=RemoteStatus.RESOLVED)
        if "no open alert" in words:
            return Skipped(reason=f"nothing open at Opsgenie: {said}", status=RemoteStatus.UNKNOWN)
    no_such = "does not exist" in words and "alert" not in words
    if effect.kind in (EffectKind.ASSIGN, EffectKind.ESCALATE) and no_such:
        return Pending(writes.in_words(effect, settings))
    gone = effect.kind is not EffectKind.CREATE and "does not exist" in words
    return Rejected(reason=f"Opsgenie refused: {said or 'no reason given'}", gone=gone)


def _done(effect: Effect, alert_id: str = "", *, adopted: bool = False) -> Accepted:
    status = _REACHED.get(effect.kind, RemoteStatus.UNKNOWN)
    remote_id = alert_id or effect.remote_id
    return Accepted(remote_id=remote_id, created=True, adopted=adopted, status=status)


def _found(effect: Effect, alert: Mapping[str, Json]) -> Accepted | None:
    """Adopted; closed there is a remote resolve, not a new page (S37)."""
    alert_id = answers.text(alert.get("id"))
    if not alert_id:
        return None
    return Accepted(remote_id=alert_id, created=True, adopted=True, status=alerts.status(alert))


def _decided(effect: Effect, settings: Settings, alert: Mapping[str, Json]) -> Outcome:
    """What to do now that the state there is known (S39)."""
    status, alert_id = alerts.status(alert), answers.text(alert.get("id"))
    if status is _REACHED.get(effect.kind):
        return _done(effect, alert_id, adopted=True)
    if status is RemoteStatus.RESOLVED:
        return Skipped(reason="it is closed at Opsgenie", status=status)
    return Pending(writes.write(effect, settings), remote_id=alert_id)
