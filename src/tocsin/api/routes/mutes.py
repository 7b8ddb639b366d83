"""Silences and maintenance windows: made, changed and ended by people; what each would mute is asked first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from tocsin.api import quieting, scoped, shapes, views
from tocsin.api.asking import Manager, Reader, TheHub, Writer, actor_of, cursor_in, cursor_out
from tocsin.api.auth import Principal
from tocsin.api.once import Keyed, asks_only
from tocsin.api.quieting import Asked, Changed, Mute, MuteQuery, Preview
from tocsin.api.routes.answers import problems
from tocsin.core.errors import NotFound
from tocsin.core.policy import MuteKind
from tocsin.engine import silences
from tocsin.engine.hub import Hub
from tocsin.store import mutes

router = APIRouter(prefix="/api/v1", tags=["mutes"], route_class=Keyed)
SILENCE, MAINTENANCE = MuteKind.SILENCE, MuteKind.MAINTENANCE
_MOST_SHOWN = 200


async def _listed(hub: Hub, kind: MuteKind, query: MuteQuery) -> shapes.Page[Mute]:
    """Those of the configuration stand before those that people made."""
    over = {"live": False, "over": True, "all": None}[query.state]
    before, now = cursor_in(query.cursor, datetime, UUID), hub.now()
    found = await hub.database.read(
        lambda c: mutes.page(c, kind, over=over, now=now, before=before, most=query.limit + 1)
    )
    page = found[: query.limit]
    following = cursor_out(page[-1].made_at, page[-1].id) if len(found) > len(page) else None
    written = silences.written(hub) if kind is MAINTENANCE and before is None and over is not True else []
    shown = [*written, *(silences.shown(hub, row) for row in page)]
    return shapes.Page(items=[quieting.mute(hub, one) for one in shown], next_cursor=following)


def _theirs(hub: Hub, who: Principal, match: Mapping[str, str]) -> None:
    """Who acts for some teams alone mutes what names one of them, or one of their services. Raises Forbidden."""
    scoped.muting(hub, who.name, who.teams, match)


async def _theirs_already(hub: Hub, who: Principal, kind: MuteKind, name: str) -> None:
    row = (await silences.find(hub, kind, name)).row
    _theirs(hub, who, row.match if row is not None else {})


async def _previewed(hub: Hub, kind: MuteKind, body: Asked) -> Preview:
    found = await silences.preview(hub, body.draft(kind, hub.now()))
    shown = [views.alert(view) for view in found.covered[:_MOST_SHOWN]]
    return Preview(alerts=shown, total=len(found.covered), asked=found.asked)


def _id(name: str, kind: MuteKind) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise NotFound(
            f"There is no {kind.value} {name[:100]}", hint="GET lists them with their ids"
        ) from None


# ---- silences ----------------------------------------------------------------------------------------------


@router.get(
    "/silences", summary="List silences", response_model=shapes.Page[Mute], responses=problems("bad_input")
)
async def list_silences(hub: TheHub, who: Reader, query: Annotated[MuteQuery, Query()]) -> shapes.Page[Mute]:
    """The newest first; by default those that mute now, or will."""
    return await _listed(hub, SILENCE, query)


@router.post(
    "/silences", summary="Make a silence", status_code=201, response_model=Mute, responses=problems("bad_input", "too_large")
)  # fmt: skip
async def make_silence(request: Request, hub: TheHub, who: Writer, body: Asked) -> Mute:
    """It needs an end, an owner and a comment. What it covers is quiet, shows whom it would have paged, and is
    paged when it ends if it still fires."""
    _theirs(hub, who, body.match)
    draft = body.draft(SILENCE, hub.now())
    return quieting.mute(hub, await silences.make(hub, draft, by=actor_of(who, request).name))


@router.post(
    "/silences/preview", summary="What would a silence mute?", response_model=Preview,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
@asks_only
async def preview_silence(hub: TheHub, who: Reader, body: Asked) -> Preview:
    """The live alerts that it would cover now; nothing is changed."""
    return await _previewed(hub, SILENCE, body)


@router.get(
    "/silences/{name}", summary="Show a silence", response_model=Mute, responses=problems("not_found")
)
async def show_silence(hub: TheHub, who: Reader, name: str) -> Mute:
    """By its id, whatever became of it."""
    return quieting.mute(hub, await silences.find(hub, SILENCE, name))


@router.patch(
    "/silences/{name}", summary="Change a silence", response_model=Mute,
    responses=problems("not_found", "conflict", "bad_input", "too_large"),
)  # fmt: skip
async def change_silence(hub: TheHub, who: Writer, name: str, body: Changed) -> Mute:
    """What it no longer covers is decided again at once."""
    await _theirs_already(hub, who, SILENCE, name)
    if body.match is not None:
        _theirs(hub, who, body.match)
    return quieting.mute(hub, await silences.change(hub, SILENCE, _id(name, SILENCE), body.fields()))


@router.delete(
    "/silences/{name}", summary="End a silence", response_model=Mute, responses=problems("not_found", "conflict")
)  # fmt: skip
async def end_silence(request: Request, hub: TheHub, who: Writer, name: str) -> Mute:
    """Now: what still fires is paged. It stays in the list as it was."""
    await _theirs_already(hub, who, SILENCE, name)
    by = actor_of(who, request).name
    return quieting.mute(hub, await silences.end(hub, SILENCE, _id(name, SILENCE), by=by))


# ---- maintenance windows -------------------------------------------------------------------------------------


@router.get(
    "/maintenance", summary="List maintenance windows", response_model=shapes.Page[Mute], responses=problems("bad_input")
)  # fmt: skip
async def list_maintenance(
    hub: TheHub, who: Reader, query: Annotated[MuteQuery, Query()]
) -> shapes.Page[Mute]:
    """Those of the configuration, then those made here, the newest first."""
    return await _listed(hub, MAINTENANCE, query)


@router.post(
    "/maintenance", summary="Make a maintenance window", status_code=201, response_model=Mute,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
async def make_maintenance(request: Request, hub: TheHub, who: Manager, body: Asked) -> Mute:
    """Once (`ends_at`) or each week (`every`)."""
    _theirs(hub, who, body.match)
    draft = body.draft(MAINTENANCE, hub.now())
    return quieting.mute(hub, await silences.make(hub, draft, by=actor_of(who, request).name))


@router.post(
    "/maintenance/preview", summary="What would a window mute?", response_model=Preview,
    responses=problems("bad_input", "too_large"),
)  # fmt: skip
@asks_only
async def preview_maintenance(hub: TheHub, who: Reader, body: Asked) -> Preview:
    """The live alerts that it would cover now; nothing is changed."""
    return await _previewed(hub, MAINTENANCE, body)


@router.get(
    "/maintenance/{name}", summary="Show a maintenance window", response_model=Mute, responses=problems("not_found")
)  # fmt: skip
async def show_maintenance(hub: TheHub, who: Reader, name: str) -> Mute:
    """By its id, or one of the configuration by its name."""
    return quieting.mute(hub, await silences.find(hub, MAINTENANCE, name))


@router.patch(
    "/maintenance/{name}", summary="Change a maintenance window", response_model=Mute,
    responses=problems("not_found", "conflict", "bad_input", "too_large"),
)  # fmt: skip
async def change_maintenance(hub: TheHub, who: Manager, name: str, body: Changed) -> Mute:
    """One made here; those of the configuration are changed there."""
    silences.refuse_written(hub, name)
    await _theirs_already(hub, who, MAINTENANCE, name)
    if body.match is not None:
        _theirs(hub, who, body.match)
    return quieting.mute(hub, await silences.change(hub, MAINTENANCE, _id(name, MAINTENANCE), body.fields()))


@router.delete(
    "/maintenance/{name}", summary="End a maintenance window", response_model=Mute,
    responses=problems("not_found", "conflict"),
)  # fmt: skip
async def end_maintenance(request: Request, hub: TheHub, who: Manager, name: str) -> Mute:
    """Now, and for good: what still fires is paged."""
    silences.refuse_written(hub, name)
    await _theirs_already(hub, who, MAINTENANCE, name)
    by = actor_of(who, request).name
    return quieting.mute(hub, await silences.end(hub, MAINTENANCE, _id(name, MAINTENANCE), by=by))
