"""The contract of silences and maintenance windows: what is asked for, and what is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tocsin.api import shapes
from tocsin.api.asking import Paged, Strict, Text, Word
from tocsin.core.hours import WEEKDAYS
from tocsin.core.policy import MuteKind
from tocsin.engine.hub import Hub
from tocsin.engine.silences import Shown
from tocsin.policy.mutes import Draft
from tocsin.store.mutes import MuteRow


class Asked(Strict):
    """A silence or a maintenance window to be. `match` and `when` must both hold."""

    name: Word = ""
    when: Text = Field("", description="A condition in CEL, as in the configuration.")
    match: dict[Word, Word] = Field(
        default={}, max_length=50,
        description="What must be equal: service, source, severity, title …, or a label by its name.",
    )  # fmt: skip
    everything: bool = Field(
        False, description="It is meant to cover every alert; `except` must hold critical."
    )
    except_: list[Word] = Field(
        default=[], alias="except", max_length=4, description="Severities paged all the same."
    )
    every: list[Word] = Field(
        default=[], max_length=50, description='"sun 02:00-04:00": it comes back each week.'
    )
    timezone: Word = Field("UTC", description="Of `every`.")
    starts_at: AwareDatetime | None = Field(None, description="Now, unless given.")
    ends_at: AwareDatetime | None = None
    owner: Word = ""
    comment: Text = ""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    def draft(self, kind: MuteKind, now: datetime) -> Draft:
        return Draft(
            kind=kind, name=self.name, when=self.when, match=self.match, everything=self.everything,
            excepted=tuple(self.except_), every=tuple(self.every), timezone=self.timezone,
            starts_at=self.starts_at or now, ends_at=self.ends_at, owner=self.owner, comment=self.comment,
        )  # fmt: skip


class Changed(Strict):
    """What is to be different; what is left out stays."""

    name: Word | None = None
    when: Text | None = None
    match: dict[Word, Word] | None = None
    everything: bool | None = None
    except_: list[Word] | None = Field(None, alias="except")
    every: list[Word] | None = None
    timezone: Word | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    owner: Word | None = None
    comment: Text | None = None

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    def fields(self) -> dict[str, Any]:
        given = self.model_dump(exclude_none=True)
        if "except_" in given:
            given["excepted"] = tuple(given.pop("except_"))
        if "every" in given:
            given["every"] = tuple(given["every"])
        return given


class MuteQuery(Paged):
    """Which ones."""

    state: Literal["live", "over", "all"] = Field("live", description="live = they mute now, or will.")


class Mute(BaseModel):
    """A silence or a maintenance window. `state`: active = it mutes now, until `until`; pending = it will, from
    `next_at`; over. `fault` = it does not compile any more and mutes nothing."""

    id: UUID | None = Field(description="null for a window of the configuration: its name is its own.")
    kind: MuteKind = Field(description="silence or maintenance.")
    origin: Literal["configuration", "api"]
    name: str
    when: str
    match: dict[str, str]
    everything: bool
    except_: list[str] = Field(serialization_alias="except")
    every: list[str]
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None
    owner: str
    comment: str
    made_by: str
    made_at: datetime | None
    changed_at: datetime | None
    cancelled_at: datetime | None
    cancelled_by: str
    state: Literal["active", "pending", "over"]
    until: datetime | None
    next_at: datetime | None
    fault: str
    warnings: list[str]


class Preview(BaseModel):
    """What it would mute now; incidents under way go on, only what an alert asks for anew is put off."""

    alerts: list[shapes.Alert]
    total: int
    asked: int = Field(description="How many live alerts were looked at, the newest first.")


def mute(hub: Hub, one: Shown) -> Mute:
    """As it is answered."""
    r, m = one.row, one.mute
    known = m.owner if m else ""
    owner = r.owner if r else known
    over = r is not None and r.over(hub.now())
    return Mute(
        id=r.id if r else None, kind=one.kind, origin="api" if r else "configuration",
        name=r.name if r else m.name if m else "", when=r.condition if r else _written(one),
        match=r.match if r else {}, everything=r.everything if r else False, except_=_excepted(one),
        every=list(r.every) if r else _spans(one), timezone=r.timezone if r else m.timezone if m else "UTC",
        starts_at=r.starts_at if r else m.start if m else None, ends_at=r.ends_at if r else m.end if m else None,
        owner=owner, comment=r.comment if r else m.comment if m else "", made_by=r.made_by if r else "",
        made_at=r.made_at if r else None, changed_at=r.changed_at if r else None,
        cancelled_at=r.cancelled_at if r else None, cancelled_by=r.cancelled_by if r else "",
        state="over" if over else "active" if one.until else "pending", until=one.until, next_at=one.next_at,
        fault=one.fault, warnings=_warnings(hub, r),
    )  # fmt: skip


def _written(one: Shown) -> str:
    return one.mute.when.text if one.mute else ""


def _excepted(one: Shown) -> list[str]:
    if one.row:
        return list(one.row.excepted)
    return sorted(severity.value for severity in one.mute.except_severities) if one.mute else []


def _spans(one: Shown) -> list[str]:
    return [
        f"{','.join(WEEKDAYS[day] for day in sorted(span.weekdays))} {span.start:%H:%M}-{span.end:%H:%M}"
        for span in (one.mute.every if one.mute else ())
    ]


def _warnings(hub: Hub, row: MuteRow | None) -> list[str]:
    if row is None or not hub.policy.users or row.owner in hub.policy.users:
        return []
    return [f"there is no user {row.owner} in the configuration: nobody can be asked about it"]
