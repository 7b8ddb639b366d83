"""Tokens, sessions, and who the caller is."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field

from tocsin import __version__
from tocsin.api import auth, grants, sessions, shapes, views
from tocsin.api.asking import Admin, Anyone, Strict, TheHub, Word
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import open_problems, problems
from tocsin.core.errors import NotFound
from tocsin.engine.acting import tell
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_token
from tocsin.store import tokens
from tocsin.store.database import Connection

router = APIRouter(prefix="/api/v1", tags=["access"], route_class=Keyed)


class NewToken(Strict):
    """A token to be: with a role, or with scopes; `user` alone gives it that user's role."""

    name: Word = Field(min_length=1)
    role: Literal["", "viewer", "responder", "manager", "admin"] = ""
    scopes: list[Literal["read", "write", "intake", "admin"]] = Field([], description="In place of a role.")
    teams: list[Word] = Field([], max_length=50, description="It acts for these alone; empty = for all.")
    user: Word = Field(
        "", description="Whose it is: a user of the configuration. It has no more than they have."
    )
    expires_at: AwareDatetime | None = None


class Code(Strict):
    """The one-time code of a link."""

    code: Word


class LinkFor(Strict):
    """For whom."""

    user: Word = Field("", description="A user of the configuration; without it the caller.")


@router.get(
    "/tokens", summary="List API tokens", response_model=shapes.Page[shapes.Token], responses=problems()
)
async def list_tokens(hub: TheHub, who: Admin) -> shapes.Page[shapes.Token]:
    """Without their text; those revoked are left out."""
    found = await hub.database.read(tokens.everyone)
    return shapes.Page(items=[views.token(t) for t in found if t.revoked_at is None], next_cursor=None)


@router.get(
    "/tokens/{token_id}", summary="Show an API token", response_model=shapes.Token, responses=problems("not_found", "bad_input")
)  # fmt: skip
async def show_token(hub: TheHub, who: Admin, token_id: UUID) -> shapes.Token:
    """By its id, also one that was revoked; without its text."""
    found = await hub.database.read(tokens.everyone)
    return views.token(_the(token_id, next((one for one in found if one.id == token_id), None)))


@router.post(
    "/tokens", summary="Make an API token", status_code=201, response_model=shapes.Token, responses=problems("bad_input")
)  # fmt: skip
async def make_token(hub: TheHub, who: Admin, body: NewToken) -> shapes.Token:
    """The text is in this answer and never again."""
    token = grants.drafted(
        hub, who, name=body.name, role=body.role, scopes=tuple(dict.fromkeys(body.scopes)), teams=tuple(dict.fromkeys(body.teams)),
        user=body.user, expires_at=body.expires_at,
    )  # fmt: skip
    text = new_token()

    async def work(connection: Connection) -> None:
        await tokens.add(connection, token, auth.digest_of(text))
        await tell(connection, hub, "token.make", f"token {token.name}", after=grants.told(token))

    await hub.database.transact(work)
    log.info(
        "token_made",
        token=str(token.id),
        name=token.name,
        role=token.role,
        scopes=list(token.scopes),
        by=who.name,
    )
    return views.token(token, text=text)


@router.post(
    "/tokens/{token_id}/rotate", summary="Rotate an API token", status_code=201, response_model=shapes.Token,
    responses=problems("not_found", "conflict", "bad_input"),
)  # fmt: skip
async def rotate_token(hub: TheHub, who: Admin, token_id: UUID) -> shapes.Token:
    """A new one that may the same, for as long as the old one had been given; the old one is useless at once. The text
    is in this answer and never again."""
    text = new_token()

    async def work(connection: Connection) -> tokens.Token:
        old = _the(token_id, await tokens.get(connection, token_id))
        new = grants.rotated(hub, who, old)
        await tokens.add(connection, new, auth.digest_of(text))
        await tokens.revoke(connection, token_id, hub.now())
        before = grants.told(old)
        await tell(
            connection, hub, "token.rotate", f"token {old.name}", before=before, after=grants.told(new)
        )
        return new

    token = await hub.database.transact(work)
    auth.forget(hub)
    log.info("token_rotated", token=str(token_id), by=who.name)
    return views.token(token, text=text)


@router.delete(
    "/tokens/{token_id}", summary="Revoke an API token", status_code=204,
    responses=problems("not_found", "last_admin", "bad_input"),
)  # fmt: skip
async def revoke_token(hub: TheHub, who: Admin, token_id: UUID) -> Response:
    """At once here; within two seconds at other nodes. The last one of an administrator is not revoked."""

    async def work(connection: Connection) -> tokens.Token:
        old = _the(token_id, await tokens.get(connection, token_id))
        if not await tokens.revoke(connection, token_id, hub.now()):
            raise _unknown(token_id)
        grants.refuse_last(hub, old, await tokens.everyone(connection))
        await tell(connection, hub, "token.revoke", f"token {old.name}", before=grants.told(old))
        return old

    await hub.database.transact(work)
    auth.forget(hub)
    log.info("token_revoked", token=str(token_id), by=who.name)
    return Response(status_code=204)


def _the(token_id: UUID, found: tokens.Token | None) -> tokens.Token:
    if found is None:
        raise _unknown(token_id)
    return found


def _unknown(token_id: UUID) -> NotFound:
    return NotFound(f"There is no token {token_id}", hint="`im token list` shows them")


@router.post(
    "/session", summary="Sign a browser in", response_model=shapes.Whoami,
    responses=open_problems("not_allowed", "bad_input", "too_many_attempts", "database_away"),
)  # fmt: skip
@asks_only
async def sign_in(request: Request, response: Response, hub: TheHub, body: Code) -> shapes.Whoami:
    """Spend a one-time code; the answer sets the session's cookie."""
    principal, cookie = await sessions.sign_in(hub, body.code, auth.address_in(request.scope))
    secure = request.url.scheme == "https" or hub.public_url.startswith("https:")
    response.set_cookie(
        auth.COOKIE, cookie, max_age=int(sessions.SESSION_LASTS.total_seconds()), path="/", httponly=True,
        samesite="strict", secure=secure,
    )  # fmt: skip
    return _whoami(hub, principal)


@router.delete("/session", summary="Sign a browser out", status_code=204, responses=problems())
async def sign_out(request: Request, hub: TheHub, who: Anyone) -> Response:
    """Forget the session and its cookie."""
    text = auth.session_cookie(request.headers.get("cookie", ""))

    async def work(connection: Connection) -> None:
        await tokens.end_session(connection, auth.digest_of(text), hub.now())
        await tell(connection, hub, "session.end", who.name)

    await hub.database.transact(work)
    response = Response(status_code=204)
    response.delete_cookie(auth.COOKIE, path="/", httponly=True, samesite="strict")
    return response


@router.post(
    "/session/link", summary="Make a one-time link", response_model=shapes.SessionLink,
    responses=problems("not_found", "bad_input"),
)  # fmt: skip
async def make_link(
    request: Request, hub: TheHub, who: Anyone, body: LinkFor | None = None
) -> shapes.SessionLink:
    """It signs one browser in, once: as the caller within ten minutes, as another user of the configuration within a
    day; only an administrator makes it for another."""
    base, user = hub.public_url or str(request.base_url), body.user if body else ""
    return shapes.SessionLink(url=await sessions.new_link(hub, who, user=user, base=base))


@router.get("/whoami", summary="Who am I?", response_model=shapes.Whoami, responses=problems())
async def whoami(hub: TheHub, who: Anyone) -> shapes.Whoami:
    """Who the hub takes the caller for."""
    return _whoami(hub, who)


def _whoami(hub: Hub, who: auth.Principal) -> shapes.Whoami:
    return shapes.Whoami(
        name=who.name, scopes=list(who.scopes), role=who.role.value if who.role else "", teams=list(who.teams), user=who.user,
        via=who.via, demo=hub.demo, version=__version__, public_url=hub.public_url,
    )  # fmt: skip
