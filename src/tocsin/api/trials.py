"""The contract of checks: does each thing hold that a connector needs?"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from tocsin.api.asking import Strict, Word
from tocsin.core.webhooks import Subscription
from tocsin.engine.subscribe import Webhooks
from tocsin.engine.trial import Tried
from tocsin.store.subscriptions import BY_HAND, Kept


class CheckLine(BaseModel):
    """One thing that was looked at."""

    subject: str = Field(
        description="A stable word: api, write, service, user, policy, webhook, timer, clock …"
    )
    state: Literal["ok", "failed", "warning", "unknown"] = Field(
        description="unknown = it could not be asked."
    )
    text: str
    step: str = Field(description="What to do next; empty when nothing.")


class ConnectorTest(BaseModel):
    """What a check of a connector found; every line was looked at, whatever the others said."""

    connector: str
    type: str
    good: bool = Field(description="Nothing failed; warnings may stand.")
    unreachable: bool = Field(description="Something failed because nobody answered.")
    took_ms: float
    lines: list[CheckLine]


class Draft(Strict):
    """A connector's settings that are not stored."""

    name: Word = Field("draft", description="The name it is to have.")
    type: Word = Field(description="The kind of provider, as in `connectors.NAME.type`.")
    settings: dict[str, Any] = Field(
        default={}, description="As they would stand in the configuration, credentials in plain text."
    )
    partial: bool = Field(
        False, description="Still being typed in: what is missing is no fault and is not looked at."
    )


def tried(found: Tried) -> ConnectorTest:
    return ConnectorTest(
        connector=found.connector, type=found.type, good=found.verdict.good, unreachable=found.verdict.unreachable,
        took_ms=round(found.took_ms, 1),
        lines=[
            CheckLine(subject=line.subject, state=line.state.value, text=line.text, step=line.step)
            for line in found.verdict.lines
        ],
    )  # fmt: skip


class WebhookSubscription(BaseModel):
    """One that sends to this hub."""

    id: str
    off: str = Field(description="Why nothing comes by it; empty = it is on.")
    lacks: list[str] = Field(description="Events that are read here and that it does not send.")
    secret: Literal["kept", "configured"] = Field(
        description="kept = sealed by the hub; configured = by the configuration, or nobody knows it."
    )
    there: bool | None = Field(description="Its provider has it; null = it was not asked.")
    made_at: datetime | None
    pinged_at: datetime | None
    heard_at: datetime | None
    deliveries: int
    wrong: int = Field(description="Deliveries whose signature fits no secret that is known here.")
    leaving: bool = Field(description="It is taken away as soon as something has come by another.")


class Webhook(BaseModel):
    """How a connector's webhooks stand."""

    connector: str
    address: str = Field(description="Where they are to go; empty without a public address.")
    wanted: bool = Field(description="The connector takes webhooks.")
    able: bool = Field(description="The hub can set them up at this provider by itself.")
    heard_at: datetime | None = Field(description="When a genuine one came last.")
    fault: str = Field(description="Why the provider could not be asked; empty = it was, or need not be.")
    subscriptions: list[WebhookSubscription]
    elsewhere: list[str] = Field(description="Subscriptions for this connector that go to another host.")
    said: list[str] = Field(description="What was done just now.")
    steps: list[str] = Field(
        description="What a person does at the provider, with the secret: shown this once."
    )
    pinged: str = Field(description="The subscription that is to be heard of.")
    asked: bool = Field(description="A test delivery was asked for; else a canary makes one.")
    before: int = Field(description="How many genuine deliveries had come by it until then.")


class WebhookAct(Strict):
    """What to do."""

    do: Literal["enable", "disable", "rotate", "test"]
    scope: Word = Field("", description="Limit it to one service of the provider, by its id; empty = all.")


def webhook(found: Webhooks) -> Webhook:
    kept = {one.id: one for one in found.kept}
    listed = {one.id: one for one in found.listed.ours} if found.listed else {}
    asked = found.listed is not None and not found.listed.fault
    return Webhook(
        connector=found.connector.name, address=found.here.address, wanted=found.here.wanted, able=found.able,
        heard_at=found.here.heard_at, fault=found.listed.fault if found.listed else "",
        subscriptions=[
            _subscription(one, kept.get(one), listed.get(one), asked) for one in dict.fromkeys([*listed, *kept])
        ],
        elsewhere=[one.id for one in found.listed.elsewhere] if found.listed else [],
        said=list(found.said), steps=list(found.steps), pinged=found.pinged, before=found.before, asked=found.asked,
    )  # fmt: skip


def _subscription(
    name: str, kept: Kept | None, there: Subscription | None, asked: bool
) -> WebhookSubscription:
    return WebhookSubscription(
        id=name, off=there.off if there else "", lacks=list(there.lacks) if there else [],
        secret="kept" if kept and kept.sealed is not None else "configured",
        there=(there is not None) if asked and name != BY_HAND else None,
        made_at=kept.made_at if kept else None, pinged_at=kept.pinged_at if kept else None,
        heard_at=kept.heard_at if kept else None, deliveries=kept.deliveries if kept else 0,
        wrong=kept.wrong if kept else 0, leaving=kept.leaving if kept else False,
    )  # fmt: skip
