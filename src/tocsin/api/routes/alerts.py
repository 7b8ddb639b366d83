"""Alerts that came, and why anything went where it went."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field, model_validator

from tocsin.api import shapes, views
from tocsin.api.asking import Paged, Reader, Strict, TheHub, Word, cursor_in, cursor_out, words
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import problems
from tocsin.core.alias import Alias
from tocsin.core.errors import NotFound
from tocsin.core.model import Alert, AlertStatus
from tocsin.core.quiet import targets_of
from tocsin.engine import explain
from tocsin.engine.explain import Explained, Verdict
from tocsin.store import aliases, incidents, reading
from tocsin.store.database import Connection

router = APIRouter(prefix="/api/v1", tags=["alerts"], route_class=Keyed)
_MOST_KEYS = 200
STATUSES = tuple(status.value for status in AlertStatus)


class AlertQuery(Paged):
    """Which alerts."""

    status: Word = Field("", description=f"Comma list of {', '.join(STATUSES)}; empty for every one.")
    integration: Word = ""
    incident: Word = Field("", description="INC-7, 7 or its id.")
    q: Word = Field("", description="Text in title or description.")


@router.get(
    "/alerts", summary="List alerts", response_model=shapes.Page[shapes.Alert], responses=problems("bad_input", "not_found")
)  # fmt: skip
async def list_alerts(
    hub: TheHub, who: Reader, query: Annotated[AlertQuery, Query()]
) -> shapes.Page[shapes.Alert]:
    """The newest first."""
    incident = None
    if query.incident:
        incident = await hub.database.read(lambda c: incidents.id_of(c, query.incident))
        if incident is None:
            raise NotFound(f"There is no incident {query.incident}")
    wanted = reading.AlertFilter(
        statuses=words(query.status, "status", STATUSES), integration=query.integration, incident=incident, text=query.q
    )  # fmt: skip
    before = cursor_in(query.cursor, datetime, UUID)
    found = await hub.database.read(
        lambda c: reading.alert_page(c, wanted, before=before, most=query.limit + 1)
    )
    page = found[: query.limit]
    following = (
        cursor_out(page[-1].alert.first_event_at, page[-1].alert.id) if len(found) > len(page) else None
    )
    return shapes.Page(items=[views.alert(v) for v in page], next_cursor=following)


@router.get(
    "/alerts/{alert_id}", summary="Show an alert", response_model=shapes.Alert,
    responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def show_alert(hub: TheHub, who: Reader, alert_id: UUID) -> shapes.Alert:
    """One alert with its last decision and the keys that it is counted under."""

    async def ask(connection: Connection) -> tuple[reading.AlertView | None, list[Alias]]:
        return await reading.alert(connection, alert_id), await aliases.of_alert(
            connection, alert_id, _MOST_KEYS
        )

    found, keys = await hub.database.read(ask)
    if found is None:
        raise NotFound(f"There is no alert {alert_id}", hint="GET /api/v1/alerts lists them")
    return views.alert(found).model_copy(update={"keys": [views.alert_key(alias) for alias in keys]})


class Question(Strict):
    """Exactly one of `alert_id`, `incident` and `alert`."""

    alert_id: UUID | None = None
    incident: Word | None = None
    alert: dict[str, Any] | None = Field(
        None, description="An imagined alert: the body of POST /api/v1/alerts."
    )
    at: AwareDatetime | None = Field(None, description="When the imagined alert comes; now unless given.")

    @model_validator(mode="after")
    def _one(self) -> Question:
        if sum(thing is not None for thing in (self.alert_id, self.incident, self.alert)) != 1:
            raise ValueError("give exactly one of alert_id, incident and alert")
        if self.at is not None and self.alert is None:
            raise ValueError("at goes with an imagined alert")
        return self


@router.post(
    "/explain", summary="Explain a decision", response_model=shapes.Explanation,
    responses=problems("not_found", "bad_input", "too_large"),
)  # fmt: skip
@asks_only
async def explain_decision(hub: TheHub, who: Reader, body: Question) -> shapes.Explanation:
    """Why an alert or incident went where it went, and where it would go now; or where an imagined one would."""
    if body.alert_id is not None:
        return _explanation(await explain.explain_alert(hub, body.alert_id))
    if body.incident is not None:
        return _explanation(await explain.explain_incident(hub, body.incident))
    return _explanation(explain.explain_imagined(hub, body.alert or {}, body.at))


def _explanation(e: Explained) -> shapes.Explanation:
    verdict = _verdict(e.then).model_dump()
    recorded = views.decision(e.recorded)
    if recorded is not None:
        # what was written down then counts, whatever deciding again says
        verdict |= recorded.model_dump(
            include={"severity", "route", "policy", "rule", "muted_by", "reasons", "config_version"}
        )
        verdict["route"] = _seen(recorded.route, recorded.muted_by)
        if recorded.muted_by:
            verdict["would_have_stopped"] = []
            verdict |= {"muted_until": recorded.muted_until, "would_page": recorded.would_page}
    verdict["reasons"] = [*verdict["reasons"], *e.joined]
    return shapes.Explanation(
        **verdict, alert=_told(e.alert), incident=e.incident, recorded=recorded,
        targets=[
            shapes.TargetTold(target=t.target, service=t.service, state=t.state, why=t.why) for t in e.targets
        ],
        now=_verdict(e.now) if e.now else None,
    )  # fmt: skip


def _verdict(v: Verdict) -> shapes.Verdict:
    return shapes.Verdict(
        severity=v.severity.value, services=list(v.services), team=v.team,
        route=_seen(v.route.kind.value, v.muted_by), policy=v.route.policy_name, rule=v.route.rule, muted_by=v.muted_by,
        steps=[views.step(s) for s in explain.steps_of(v)],
        muted_until=v.muted_until, would_page=_would_page(v), would_page_if=list(v.page_if), timing=list(v.timing),
        reasons=list(v.reasons),
        not_taken=[shapes.NotTaken.model_validate({"kind": n.kind, "rule": n.rule, "why": n.why}) for n in v.not_taken],
        would_have_stopped=list(v.stopped_by), config_version=v.version, at=v.at,
    )  # fmt: skip


def _would_page(v: Verdict) -> shapes.WouldPage | None:
    way = v.would_page
    if way is None:
        return None
    return shapes.WouldPage(rule=way.rule, policy=way.policy_name, targets=list(targets_of(way)))


def _seen(route: str, muted_by: str) -> str:
    """What came of it: a page that was muted is none."""
    return "suppress" if muted_by and route == "page" else route


def _told(a: Alert) -> dict[str, Any]:
    return {
        "id": str(a.id) if a.id.int else None, "title": a.title, "description": a.description, "source": a.source,
        "integration": a.integration, "severity": a.sender_severity.value if a.sender_severity else "",
        "services": list(a.services), "team": a.team, "labels": dict(a.labels), "tags": list(a.tags),
        "details": dict(a.details),
    }  # fmt: skip
