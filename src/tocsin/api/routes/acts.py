"""What people do to an incident: acknowledge, snooze, assign, resolve …"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import AwareDatetime, Field

from tocsin.api import shapes
from tocsin.api.asking import Strict, Text, TheHub, Word, actor_of, needs
from tocsin.api.auth import Principal
from tocsin.api.once import Keyed
from tocsin.api.routes.incidents import ACT, Span, shown
from tocsin.core.lifecycle import Act
from tocsin.core.snooze import end_of
from tocsin.engine.assigning import assignee_of
from tocsin.engine.escalate import escalate
from tocsin.engine.merge import merge_into
from tocsin.engine.respond import respond
from tocsin.policy.times import duration

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], route_class=Keyed)


class Noted(Strict):
    """What to say with it."""

    note: Text = ""


class Snoozed(Strict):
    """Until when; one of the two, at most 7 days ahead."""

    for_: Span | None = Field(None, alias="for", description="How long: 30m, 2h, 1d, or milliseconds.")
    until: AwareDatetime | None = Field(None, description="Or until when.")
    note: Text = ""


class Note(Strict):
    """A note."""

    text: Text = Field(min_length=1)


class Assigned(Strict):
    """Whom to."""

    user: Word = Field(
        min_length=1,
        description="A user of the configuration: id, e-mail address or name; `me` for the caller.",
    )
    note: Text = ""


class Merged(Strict):
    """Into which one."""

    into: Word = Field(min_length=1, description="INC-7, 7 or an id; it must be open.")
    note: Text = ""


class Escalated(Strict):
    """Whom to ask further."""

    to: Word = Field(
        "", description='A step by its number ("2"), a user, or an escalation policy; "" for whoever is next.'
    )
    note: Text = ""


MaybeNoted = Annotated[Noted | None, Body()]


class Acting:
    """Carries out one act for one caller."""

    def __init__(
        self,
        request: Request,
        response: Response,
        hub: TheHub,
        who: Annotated[Principal, Depends(needs("write"))],
    ) -> None:
        self._request, self._response, self._hub, self._who = request, response, hub, who

    async def __call__(
        self, name: str, act: Act, note: str = "", until: datetime | None = None, to: str = ""
    ) -> shapes.Incident:
        actor = actor_of(self._who, self._request)
        to = assignee_of(self._hub, to, actor) if to else ""
        done = await respond(self._hub, name[:100], act, actor, note=note, until=until, to=to)
        if not done.changed:
            self._response.headers["Changed"] = "false"
        return await shown(self._hub, done.incident.id, changed=done.changed)


TheAct = Annotated[Acting, Depends()]


@router.post("/{name}/acknowledge", summary="Acknowledge", **ACT)
async def acknowledge(act: TheAct, name: str, body: MaybeNoted = None) -> shapes.Incident:
    """Somebody is on it: paging stops, here and at every provider."""
    return await act(name, Act.ACKNOWLEDGE, body.note if body else "")


@router.post("/{name}/unacknowledge", summary="Give back", **ACT)
async def unacknowledge(act: TheAct, name: str, body: MaybeNoted = None) -> shapes.Incident:
    """Nobody has it any more: it is open again, and paged from its first step."""
    return await act(name, Act.UNACKNOWLEDGE, body.note if body else "")


@router.post("/{name}/snooze", summary="Snooze", **ACT)
async def snooze(act: TheAct, hub: TheHub, name: str, body: Snoozed) -> shapes.Incident:
    """An acknowledgement with an end: then it is open again and paged from its first step, you first. A new alert or
    a worse one ends it before; an acknowledgement keeps it for good."""
    span = duration(body.for_) if body.for_ is not None else None
    return await act(name, Act.SNOOZE, body.note, end_of(span, body.until, hub.now()))


@router.post("/{name}/resolve", summary="Resolve", **ACT)
async def resolve(act: TheAct, name: str, body: MaybeNoted = None) -> shapes.Incident:
    """It is over, here and at every provider."""
    return await act(name, Act.RESOLVE, body.note if body else "")


@router.post("/{name}/close", summary="Close", **ACT)
async def close(act: TheAct, name: str, body: MaybeNoted = None) -> shapes.Incident:
    """Put it away: nothing reopens it by itself."""
    return await act(name, Act.CLOSE, body.note if body else "")


@router.post("/{name}/reopen", summary="Reopen", **ACT)
async def reopen(act: TheAct, name: str, body: MaybeNoted = None) -> shapes.Incident:
    """Take it up again; it is paged again."""
    return await act(name, Act.REOPEN, body.note if body else "")


@router.post("/{name}/notes", summary="Add a note", **ACT)
async def note(act: TheAct, name: str, body: Note) -> shapes.Incident:
    """Into the timeline, and to the providers whose connector has sync_notes."""
    return await act(name, Act.NOTE, body.text)


@router.post("/{name}/assign", summary="Assign", **ACT)
async def assign(act: TheAct, name: str, body: Assigned) -> shapes.Incident:
    """To a user of the configuration, here and at every provider. It does not acknowledge: they are asked until they
    say that they have it. Of an incident that somebody has, it is open again for them."""
    return await act(name, Act.ASSIGN, body.note, to=body.user)


@router.post("/{name}/escalate", summary="Escalate", **ACT)
async def escalate_incident(
    request: Request,
    hub: TheHub,
    who: Annotated[Principal, Depends(needs("write"))],
    name: str,
    body: Annotated[Escalated | None, Body()] = None,
) -> shapes.Incident:
    """Ask further people now: the next step of the page and the next level at the providers, or whom you name. What
    somebody has is open again until one of them acknowledges it."""
    wanted = body or Escalated(to="")
    done = await escalate(hub, name[:100], actor_of(who, request), to=wanted.to, note=wanted.note)
    return await shown(hub, done.incident.id)


@router.post("/{name}/merge", summary="Merge into another", **ACT)
async def merge_incident(
    request: Request,
    response: Response,
    hub: TheHub,
    who: Annotated[Principal, Depends(needs("write"))],
    name: str,
    body: Merged,
) -> shapes.Incident:
    """This one is closed and points to the other, which gets its alerts and services and is the answer. Worse than the
    other, it makes it as bad and pages; there is no way back."""
    done = await merge_into(hub, name[:100], body.into[:100], actor_of(who, request), note=body.note)
    if not done.changed:
        response.headers["Changed"] = "false"
    return await shown(hub, done.incident.id, changed=done.changed)
