"""How are incidents read back in few calls, and what did the answers say?

The list cannot be asked for ids, so few incidents are read one by one and many by the list of what is open
and what was resolved last; one on neither is simply not mentioned (S41). Log entries tell who was notified
(rung three of S27). Contract: PagerDuty/api-schema@91a06fb (2026-11-20).
"""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode

from tocsin.core.model import Json
from tocsin.core.ports import Call, RemoteRef, RemoteState, Request, Response, WireFault
from tocsin.core.values import replace
from tocsin.providers.pagerduty import answers, incidents, options
from tocsin.providers.pagerduty.calls import request, wire_key
from tocsin.providers.pagerduty.options import Settings

ONE_BY_ONE = 5
PAGE = 100  # the most PagerDuty gives at once
FURTHEST = 10_000  # offset + limit
SERVICES = ("include[]", "services")  # in full: its status tells whether it can ring anybody (S28)
ENTRIES, MOST_LOGS = 4, 10  # a new incident leaves about so many entries; pages of the log at most


def calls(refs: list[RemoteRef], settings: Settings) -> list[Call]:
    """At most twice ONE_BY_ONE calls; for more incidents the pages of the list and the newest of the log."""
    if not refs:
        return []
    if len(refs) <= ONE_BY_ONE:
        return [call for ref in refs for call in _one(ref, settings)]
    pages = min(-(-len(refs) // PAGE), FURTHEST // PAGE)
    opened = [_opened(settings, n * PAGE) for n in range(pages)]
    resolved = _list(settings, ("resolved",), "resolved_at:desc", 0)
    logs = min(-(-len(refs) * ENTRIES // PAGE), MOST_LOGS)
    return [*opened, resolved, *(_log(settings, "/log_entries", offset=n * PAGE) for n in range(logs))]


def states(call: Call, answer: Response) -> list[RemoteState]:
    """What an answer says; [] for a refusal or an unreadable one."""
    body = answers.json_of(answer.body) if 200 <= answer.status < 300 else None
    if not isinstance(body, dict):
        return []
    if call.step.startswith("log"):
        return _rungs(body, call.step.removeprefix("log").removeprefix(":"))
    listed = answers.items(body.get("incidents")) or [answers.mapping(body, "incident")]
    return [incidents.state(incident) for incident in listed if answers.text(incident.get("id"))]


def open_now(settings: Settings) -> list[Call]:
    """The first page of what is open."""
    return [_opened(settings, 0)]


def further(call: Call, answer: Response) -> list[Call]:
    """The next page: an incident that is reopened keeps its place by when it was created, behind all that came since."""
    body = answers.mapping(answers.json_of(answer.body)) if 200 <= answer.status < 300 else {}
    if call.step != "list" or not isinstance(call.send, Request) or body.get("more") is not True:
        return []
    address, _, query = call.send.url.partition("?")
    asked = parse_qsl(query, keep_blank_values=True)
    offset = next((int(value) for name, value in asked if name == "offset"), 0) + PAGE
    if offset + PAGE > FURTHEST:
        return []
    query = urlencode([(name, str(offset) if name == "offset" else value) for name, value in asked])
    return [replace(call, send=replace(call.send, url=f"{address}?{query}"))]


def probe(settings: Settings) -> Call:
    """GET /abilities: every kind of key may read it."""
    return Call(request(settings, "GET", "/abilities"), "probe", reads=True)


def health(answer: Response | WireFault) -> str:
    """The fault in words, "" when address and key are good."""
    if refusal := answers.not_done(answer, (), act=False):
        return refusal.reason
    body = answers.mapping(answers.json_of(answer.body)) if isinstance(answer, Response) else {}
    if "abilities" in body or body.get("status") == "success":
        return ""
    return "the answer is not PagerDuty's: check base_url and any proxy between"


def _one(ref: RemoteRef, settings: Settings) -> list[Call]:
    if not ref.remote_id:
        query = urlencode(
            [
                ("incident_key", wire_key(ref.key)),
                ("date_range", "all"),
                *[("statuses[]", status) for status in ("triggered", "acknowledged", "resolved")],
                SERVICES,
            ],
            errors="replace",
        )
        return [Call(request(settings, "GET", "/incidents", query=query), "list", reads=True)]
    path = f"/incidents/{quote(ref.remote_id, safe='', errors='replace')}"
    read = Call(request(settings, "GET", path, query=urlencode([SERVICES])), "state", reads=True)
    return [read, _log(settings, f"{path}/log_entries", ref.remote_id)]


def _opened(settings: Settings, offset: int) -> Call:
    return _list(settings, ("triggered", "acknowledged"), "created_at:desc", offset)


def _list(settings: Settings, statuses: tuple[str, ...], order: str, offset: int) -> Call:
    mapped = options.table(settings, "service_mappings").values()
    services = {options.word(settings, "service_id"), *(value for value in mapped if isinstance(value, str))}
    query = urlencode(
        [
            *[("statuses[]", status) for status in statuses],
            *[("service_ids[]", service) for service in sorted(services - {""})],
            ("sort_by", order),
            SERVICES,
            ("date_range", "all"),
            ("limit", str(PAGE)),
            ("offset", str(offset)),
        ]
    )
    return Call(request(settings, "GET", "/incidents", query=query), "list", reads=True)


def _log(settings: Settings, path: str, remote_id: str = "", *, offset: int = 0) -> Call:
    step = f"log:{remote_id}" if remote_id else "log"
    query = f"limit={PAGE}&is_overview=false" + (f"&offset={offset}" if offset else "")
    return Call(request(settings, "GET", path, query=query), step, reads=True)


def _rungs(body: Json, remote_id: str) -> list[RemoteState]:
    """Who was notified last, and whether nobody is left to ask: the log begins with its newest entry, and asking
    anew (`repeat_escalation_path`, a new trigger) ends an exhausted path."""
    rung: dict[str, RemoteState] = {}
    ended: dict[str, bool] = {}
    for entry in answers.items(body.get("log_entries")):
        incident = remote_id or answers.text(answers.mapping(entry, "incident").get("id"))
        kind = answers.text(entry.get("type")).removesuffix("_log_entry")
        if not incident:
            continue
        if kind in (
            "exhaust_escalation_path",
            "repeat_escalation_path",
            "trigger",
            "escalate",
            "unacknowledge",
        ):
            ended.setdefault(incident, kind == "exhaust_escalation_path")
        if kind == "notify" and incident not in rung:
            rung[incident] = RemoteState(
                remote_id=incident, notified=True, notified_who=answers.text(answers.mapping(entry, "user").get("summary")),
                changed_at=incidents.instant(entry.get("created_at")),
            )  # fmt: skip
    over = [RemoteState(remote_id=incident, exhausted=True) for incident, end in ended.items() if end]
    return [*rung.values(), *over]
