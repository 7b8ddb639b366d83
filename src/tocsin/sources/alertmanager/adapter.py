"""What does Prometheus Alertmanager say? Its webhook, version 4; also Grafana's, which has the same shape.

Facts: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config; compared on 2026-11-20 with the
sample of docs.rs/crate/alertmanager-webhook-types and with Grafana's page on its webhook notifier.

Order within one key (S13): a firing alert counts as sent at its startsAt, a resolved one at its endsAt. The
payload has no time of sending, and these two order a resolve that was retried late behind the firing
that came after it. The trap: Alertmanager repeats a firing alert with the SAME startsAt, so a repeat is
never newer than its first; only receipt time says when it was last heard of.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime

from tocsin.core.model import Action, Event, Json, Link
from tocsin.core.payload import (
    DESCRIPTION_LIMIT,
    LIST_LIMIT,
    TITLE_LIMIT,
    bounded,
    dedup_key,
    instant,
    labels_of,
    link_to,
    one_line,
    plain,
    read_json,
    same_secret,
    stable_key,
    storable,
    tidy,
    with_notes,
)
from tocsin.core.ports import Malformed, Request, SourceContext
from tocsin.core.severity import SenderSeverity, sender_severity

_ACTIONS = {"firing": Action.CREATE, "resolved": Action.RESOLVE}
_SHOWN_ELSEWHERE = frozenset(("summary", "description", "runbook_url"))
_GRAFANA_LINKS = (("dashboardURL", "Dashboard"), ("panelURL", "Panel"), ("imageURL", "Image"))


def verify(request: Request, secret: str) -> bool:
    """`http_config`: the credentials of `authorization`, or the password of `basic_auth`;
    true when no secret is set."""
    way, _, given = request.headers.get("authorization", "").partition(" ")
    if way.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            given = ""
    return not secret or same_secret(given.strip(), secret)


def parse(request: Request, context: SourceContext) -> list[Event]:
    """One event for each alert, or one for the group with the option `per: group`."""
    body = read_json(request.body)
    if not isinstance(body, dict):
        raise Malformed("the body must be a JSON object")
    alerts = body.get("alerts")
    if not isinstance(alerts, list):
        raise Malformed("alerts must be a list", "alerts")
    for index, alert in enumerate(alerts):
        if not isinstance(alert, dict):
            raise Malformed(f"alerts.{index} must be an object", f"alerts.{index}")
    common = _common(body)
    manager = link_to(body.get("externalURL"), "Alertmanager")
    if context.options.get("per") == "group":
        return [_group(body, alerts, common, manager)]
    group_status = body.get("status")
    return [_alert(alert, index, group_status, common, manager) for index, alert in enumerate(alerts)]


def _common(body: Mapping[str, Json]) -> dict[str, Json]:
    """The details that every alert of a request shares."""
    common: dict[str, Json] = {}
    for field, name in (("receiver", "receiver"), ("groupKey", "group_key")):
        if text := plain(body.get(field)):
            common[name] = tidy(text)
    truncated = body.get("truncatedAlerts")
    if isinstance(truncated, int) and truncated > 0:
        common["truncated_alerts"] = storable(truncated)
    return common


def _alert(
    alert: Mapping[str, Json],
    index: int,
    group_status: Json,
    common: Mapping[str, Json],
    manager: Link | None,
) -> Event:
    notes: list[str] = []
    path = f"alerts.{index}"
    labels = labels_of(_map(alert, "labels", path), notes)
    annotations = _map(alert, "annotations", path)
    status = alert.get("status") or group_status
    action = _ACTIONS.get(status, Action.OTHER) if isinstance(status, str) else Action.OTHER
    severity = sender_severity(labels.get("severity", ""))
    fingerprint = plain(alert.get("fingerprint"))
    details: dict[str, Json] = dict(common)
    for name, value in annotations.items():
        if name not in _SHOWN_ELSEWHERE:
            details[tidy(name)] = storable(value, 1)
    return Event(
        action=action,
        reason="" if action is not Action.OTHER else _strange(status),
        dedup_key=dedup_key(fingerprint) if fingerprint else _key_of(labels),
        title=bounded(_title(labels, annotations), TITLE_LIMIT, "title", notes),
        description=_description(annotations, notes),
        severity=severity.severity,
        quiet=severity.quiet,
        services=(labels["service"],) if labels.get("service") else (),
        labels=labels,
        details=with_notes(details, notes),
        links=_links(alert, annotations, manager),
        sent_at=instant(alert.get("endsAt" if action is Action.RESOLVE else "startsAt")),
    )


def _group(
    body: Mapping[str, Json], alerts: list[Mapping[str, Json]], common: dict[str, Json], manager: Link | None
) -> Event:
    """The whole group as one event: the worst severity that fires, the newest time."""
    notes: list[str] = []
    labels = labels_of(_map(body, "groupLabels", "") | _map(body, "commonLabels", ""), notes)
    annotations = _map(body, "commonAnnotations", "")
    status = body.get("status")
    action = _ACTIONS.get(status, Action.OTHER) if isinstance(status, str) else Action.OTHER
    firing = [alert for alert in alerts if alert.get("status") == "firing"]
    counted = firing if action is Action.CREATE else alerts
    severity = _worst(_map(alert, "labels", "alerts").get("severity") for alert in counted)
    titles = [_title_of(alert) for alert in counted[:50]]
    title = one_line(plain(annotations.get("summary"))) or _group_title(labels, len(counted), titles)
    group_key = plain(body.get("groupKey"))
    return Event(
        action=action,
        reason="" if action is not Action.OTHER else _strange(status),
        dedup_key=dedup_key(group_key) if group_key else _key_of(_map(body, "groupLabels", "")),
        title=bounded(title, TITLE_LIMIT, "title", notes),
        description=_description(annotations, notes),
        severity=severity.severity,
        quiet=severity.quiet,
        services=(labels["service"],) if labels.get("service") else (),
        labels=labels,
        details=with_notes(common | {"alerts": titles, "firing": len(firing)}, notes),
        links=_links(counted[0] if counted else {}, annotations, manager),
        sent_at=_newest(counted, "endsAt" if action is Action.RESOLVE else "startsAt"),
    )


def _map(holder: Mapping[str, Json], name: str, path: str) -> dict[str, Json]:
    found = holder.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        where = f"{path}.{name}" if path else name
        raise Malformed(f"{where} must be an object", where)
    return found


def _title(labels: Mapping[str, str], annotations: Mapping[str, Json]) -> str:
    if summary := one_line(plain(annotations.get("summary"))):
        return summary
    name = one_line(labels.get("alertname", "")) or "Alert without a name"
    instance = one_line(labels.get("instance", ""))
    return f"{name} ({instance})" if instance else name


def _title_of(alert: Mapping[str, Json]) -> str:
    labels = labels_of(_map(alert, "labels", "alerts"), [])
    return bounded(_title(labels, _map(alert, "annotations", "alerts")), TITLE_LIMIT, "title", [])


def _group_title(labels: Mapping[str, str], count: int, titles: list[str]) -> str:
    if name := one_line(labels.get("alertname", "")):
        return f"{name} ({count} alerts)" if count != 1 else name
    return f"{titles[0]} and {count - 1} more" if count > 1 else (titles or ["Group without alerts"])[0]


def _description(annotations: Mapping[str, Json], notes: list[str]) -> str:
    text = plain(annotations.get("description"))
    return bounded(tidy(text).strip(), DESCRIPTION_LIMIT, "description", notes) if text else ""


def _links(
    alert: Mapping[str, Json], annotations: Mapping[str, Json], manager: Link | None
) -> tuple[Link, ...]:
    links = [link_to(alert.get("generatorURL"), "Source"), link_to(annotations.get("runbook_url"), "Runbook")]
    links += [link_to(alert[name], text) for name, text in _GRAFANA_LINKS if name in alert]
    return tuple(link for link in (*links, manager) if link)


def _key_of(labels: Mapping[str, Json]) -> str:
    """For a sender that leaves the fingerprint out: the labels are what makes an alert the same."""
    return stable_key(*(f"{tidy(name)}={tidy(plain(labels[name]))}" for name in sorted(labels)))


def _worst(words: Iterable[Json]) -> SenderSeverity:
    found = [sender_severity(plain(word)) for word in words]
    known = [each for each in found if each.severity]
    if not known:
        return SenderSeverity(None)
    return max(known, key=lambda each: (each.severity.rank if each.severity else 0, not each.quiet))


def _newest(alerts: list[Mapping[str, Json]], name: str) -> datetime | None:
    moments = [moment for alert in alerts[:LIST_LIMIT] if (moment := instant(alert.get(name)))]
    return max(moments, default=None)


def _strange(status: Json) -> str:
    return f"status {plain(status)[:100]!r} is neither firing nor resolved"
