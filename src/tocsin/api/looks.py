"""The contract of looks at a connector: its health with its history, and what its provider has."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from tocsin.api.asking import Strict, Word
from tocsin.engine.connector_health import Found
from tocsin.engine.discover import Discovered as Seen


class Aspect(BaseModel):
    """One side of a connector's health."""

    name: Literal[
        "api", "authentication", "access", "webhook", "sync", "errors", "breaker", "queue", "rate_limit"
    ]
    state: Literal["ok", "failed", "warning", "unknown"]
    text: str
    step: str = Field(description="What to do next; empty when nothing.")


class Beat(BaseModel):
    """What happened within one minute or hour."""

    at: datetime
    attempts: int = Field(description="Attempts at telling the provider something.")
    errors: int
    calls: int = Field(description="Calls that these took.")
    success_rate: float | None
    average_ms: float
    slowest_ms: float
    webhooks: int = Field(description="Genuine webhooks that came.")


class ConnectorHealth(BaseModel):
    """How a connector is, and why."""

    connector: str
    type: str
    health: Literal["healthy", "degraded", "unhealthy"] = Field(
        description="unhealthy: pages do not go through; degraded: they do, and something is wrong."
    )
    aspects: list[Aspect]
    bucket: Literal["minute", "hour"] = Field(description="What one entry of `history` spans.")
    history: list[Beat] = Field(description="The oldest first; where nothing happened there is none.")


def health(found: Found) -> ConnectorHealth:
    return ConnectorHealth(
        connector=found.connector.name, type=found.connector.type, health=found.judged.health.value,
        aspects=[
            Aspect.model_validate({"name": one.name, "state": one.state.value, "text": one.text, "step": one.step})
            for one in found.judged.aspects
        ],
        bucket="hour" if found.by_hour else "minute",
        history=[
            Beat(
                at=one.at, attempts=one.attempts, errors=one.errors, calls=one.calls,
                success_rate=round(1 - one.errors / one.attempts, 4) if one.attempts else None,
                average_ms=round(one.average_ms, 1), slowest_ms=round(one.slowest_ms, 1), webhooks=one.webhooks,
            )
            for one in found.beats
        ],
    )  # fmt: skip


class Thing(BaseModel):
    """Something that is set up at the provider and may be paged."""

    kind: str
    id: str
    name: str
    value: str = Field(description="What a mapping says for it.")
    setting: str = Field(description="The table of `custom` that holds such mappings.")
    address: str
    mapped_by: list[str] = Field(description="Ours that are mapped to it.")


class Proposal(BaseModel):
    """One of ours that may mean something there."""

    setting: str
    name: str
    value: str
    there: str
    score: float = Field(description="0 to 1: how alike the names are.")
    reason: str


class Doubt(BaseModel):
    """One of ours for which nothing is proposed."""

    name: str
    why: str


class Discovered(BaseModel):
    """What a provider has."""

    connector: str
    fault: str = Field(description="Why not all of it could be read; empty = it was.")
    things: list[Thing]
    proposals: list[Proposal]
    doubtful: list[Doubt]


class Mapping(Strict):
    """One mapping to write."""

    setting: Word
    name: Word
    value: Word


class Acceptance(Strict):
    """The mappings to write."""

    accept: list[Mapping] = Field(max_length=500)


def discovered(seen: Seen) -> Discovered:
    return Discovered(
        connector=seen.connector.name, fault=seen.found.fault,
        things=[
            Thing(
                kind=one.kind, id=one.id, name=one.name, value=one.value, setting=one.setting, address=one.address,
                mapped_by=list(seen.mapped.get((one.setting, one.value), ())),
            )
            for one in seen.found.things
        ],
        proposals=[
            Proposal(setting=p.setting, name=p.name, value=p.value, there=p.there, score=p.score, reason=p.reason)
            for p in seen.proposed.proposals
        ],
        doubtful=[Doubt(name=name, why=why) for name, why in seen.proposed.doubtful],
    )  # fmt: skip
