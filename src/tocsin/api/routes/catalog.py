"""What the configuration in force says, thing by thing; never a credential, a key or a key's hash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from tocsin.api import fleet, shapes, views
from tocsin.api.asking import Paged, Reader, TheHub, cursor_in, cursor_out
from tocsin.api.once import Keyed
from tocsin.api.routes.answers import problems
from tocsin.core.errors import NotFound
from tocsin.core.explain import span
from tocsin.core.policy import (
    EscalationPolicy,
    Integration,
    Policy,
    RoutingRule,
    Service,
    Span,
    Team,
    User,
)

router = APIRouter(prefix="/api/v1", tags=["catalog"], route_class=Keyed)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class IntegrationShape(BaseModel):
    """A configured instance of a source."""

    name: str
    source: str
    urgency: str | None
    destinations: list[dict[str, str]]
    auto_aggregate: str | None
    auto_resolve: str | None
    auto_resolve_from: str
    key_scope: str
    templates: dict[str, str]
    paused: bool


class ServiceShape(BaseModel):
    """An entry of the service catalog."""

    name: str
    team: str
    criticality: str
    depends_on: list[str]
    runbook: str
    match: dict[str, str]
    providers: list[str]
    labels: dict[str, str]


class TeamShape(BaseModel):
    """A team."""

    name: str
    timezone: str
    business_hours: list[str]
    holiday_region: str
    members: list[str]
    lead: str


class UserShape(BaseModel):
    """A person."""

    name: str
    id: str
    shown: str
    email: str
    role: str = Field(description="viewer, responder, manager or admin (docs/roles.md).")
    teams: list[str] = Field(description="For these alone they act; empty = for all.")


class RuleShape(BaseModel):
    """A routing rule, in the order of the file."""

    name: str
    when: str
    route: str
    policy: str
    delay: str | None
    repeat: str | None
    channels: list[str]
    fields: dict[str, str]
    digest_to: list[str]
    digest_every: str | None
    review: str | None
    continues: bool
    default: bool
    line: int


class PolicyShape(BaseModel):
    """An escalation policy."""

    name: str
    steps: list[shapes.Step]


def _span(of: timedelta | None) -> str | None:
    return span(of) if of else None


def _integration(i: Integration) -> IntegrationShape:
    return IntegrationShape(
        name=i.name, source=i.source, urgency=i.urgency.value if i.urgency else None,
        destinations=[{d.kind: d.name} for d in i.destinations], auto_aggregate=_span(i.auto_aggregate),
        auto_resolve=_span(i.auto_resolve), auto_resolve_from=i.auto_resolve_from, key_scope=i.key_scope,
        templates=dict(i.templates), paused=i.paused,
    )  # fmt: skip


def _service(s: Service) -> ServiceShape:
    return ServiceShape(
        name=s.name, team=s.team, criticality=s.criticality.value, depends_on=list(s.depends_on), runbook=s.runbook,
        match=dict(s.match), providers=list(s.providers), labels=dict(s.labels),
    )  # fmt: skip


def _hours(of: Span) -> str:
    days = ",".join(_DAYS[day] for day in sorted(of.weekdays))
    return f"{days} {of.start:%H:%M}-{of.end:%H:%M}"


def _team(t: Team) -> TeamShape:
    return TeamShape(
        name=t.name, timezone=t.timezone, business_hours=[_hours(s) for s in t.business_hours],
        holiday_region=t.holiday_region, members=list(t.members), lead=t.lead,
    )  # fmt: skip


def _user(u: User) -> UserShape:
    return UserShape(name=u.id, id=u.id, shown=u.name, email=u.email, role=u.role.value, teams=list(u.teams))


def _rule(r: RoutingRule) -> RuleShape:
    return RuleShape(
        name=r.name, when=r.when.text, route=r.kind.value, policy=r.policy, delay=_span(r.delay), repeat=_span(r.repeat),
        channels=list(r.channels), fields=dict(r.fields), digest_to=list(r.digest_to), digest_every=_span(r.digest_every), review=_span(r.review),
        continues=r.continues, default=r.default, line=r.line,
    )  # fmt: skip


def _policy(p: EscalationPolicy) -> PolicyShape:
    return PolicyShape(name=p.name, steps=[views.step(s) for s in p.steps])


def _page(items: Sequence[Any], query: Paged) -> tuple[Sequence[Any], str | None]:
    """The part of a list that a page shows; a cursor counts entries."""
    place = cursor_in(query.cursor, int)
    start = max(place[0], 0) if place else 0
    end = start + query.limit
    return items[start:end], cursor_out(end) if end < len(items) else None


def _serve(
    path: str, noun: str, shape: type[BaseModel], entries: Callable[[Policy], Mapping[str, Any]],
    shaped: Callable[[Any], BaseModel],
) -> None:  # fmt: skip
    """The list of one kind of thing, and one by its name."""

    async def list_them(hub: TheHub, who: Reader, query: Annotated[Paged, Query()]) -> Any:
        items, following = _page(list(entries(hub.policy).values()), query)
        return shapes.Page(items=[shaped(item) for item in items], next_cursor=following)

    async def show_one(hub: TheHub, who: Reader, name: str) -> Any:
        found = entries(hub.policy).get(name)
        if found is None:
            raise NotFound(f"There is no {noun} {name[:100]}", hint=f"GET /api/v1/{path} lists them")
        return shaped(found)

    word = path.replace("-", "_")
    article = "an" if noun[0] in "aeiou" else "a"
    router.add_api_route(
        f"/{path}", list_them, summary=f"List {path.replace('-', ' ')}", name=f"list_{word}",
        description="In the order of the configuration.", response_model=shapes.Page[shape],  # type: ignore[valid-type]
        responses=problems("bad_input"),
    )  # fmt: skip
    router.add_api_route(
        f"/{path}/{{name}}", show_one, summary=f"Show {article} {noun}", name=f"show_{word}",
        description="By its name.", response_model=shape, responses=problems("not_found"),
    )  # fmt: skip


def _rules(policy: Policy) -> Mapping[str, RoutingRule]:
    return {rule.name: rule for rule in policy.routing}


_serve("integrations", "integration", IntegrationShape, lambda p: p.integrations, _integration)
_serve("services", "service", ServiceShape, lambda p: p.services, _service)
_serve("teams", "team", TeamShape, lambda p: p.teams, _team)
_serve("users", "user", UserShape, lambda p: p.users, _user)
_serve("routing-rules", "routing rule", RuleShape, _rules, _rule)
_serve("escalation-policies", "escalation policy", PolicyShape, lambda p: p.policies, _policy)


@router.get(
    "/connectors", summary="List connectors", response_model=shapes.Page[shapes.Connector],
    responses=problems("bad_input"),
)  # fmt: skip
async def list_connectors(
    hub: TheHub, who: Reader, query: Annotated[Paged, Query()]
) -> shapes.Page[shapes.Connector]:
    """Each with its breaker, its queue and how the last hour went."""
    items, following = _page((await fleet.fleet(hub)).connectors, query)
    return shapes.Page(items=list(items), next_cursor=following)


@router.get(
    "/connectors/{name}", summary="Show a connector", response_model=shapes.ConnectorStatus, responses=problems("not_found")
)  # fmt: skip
async def show_connector(hub: TheHub, who: Reader, name: str) -> shapes.ConnectorStatus:
    """By its name."""
    return await fleet.one(hub, name[:200])
