"""Tokens, sessions, and who the caller is."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field

from tocsin import __version__
from tocsin.api import auth, shapes, views
from tocsin.api.asking import Admin, Anyone, Strict, TheHub, Word
from tocsin.api.once import Keyed, asks_only
from tocsin.api.routes.answers import open_problems, problems
from tocsin.core.errors import BadInput, FieldFault, NotFound
from tocsin.engine.hub import Hub, log
from tocsin.engine.ids import new_id, new_token
from tocsin.store import tokens

router = APIRouter(prefix="/api/v1", tags=["access"], route_class=Keyed)


class NewToken(Strict):
    """A token to be."""

    name: Word = Field(min_length=1)
    scopes: list[Literal["read", "write", "intake", "admin"]] = Field(min_length=1)
    expires_at: AwareDatetime | None = None


class Code(Strict):
    """The one-time code of a link."""

    code: Word


@router.get(
    "/tokens", summary="List API tokens", response_model=shapes.Page[shapes.Token], responses=problems()
)
async def list_tokens(hub: TheHub, who: Admin) -> shapes.Page[shapes.Token]:
    """Without their text; those revoked are left out."""
    found = await hub.database.read(tokens.everyone)
    return shapes.Page(items=[views.token(t) for t in found if t.revoked_at is None], next_cursor=None)


@router.post(
    "/tokens", summary="Make an API token", status_code=201, response_model=shapes.Token, responses=problems("bad_input")
)  # fmt: skip
async def make_token(hub: TheHub, who: Admin, body: NewToken) -> shapes.Token:
    """The text is in this answer and never again."""
    now = hub.now()
    if body.expires_at is not None and body.expires_at <= now:
        raise BadInput(
            "The token would be over already", faults=(FieldFault("expires_at", "is in the past"),)
        )
    text = new_token()
    token = tokens.Token(
        id=new_id(now), name=body.name, scopes=tuple(dict.fromkeys(body.scopes)), made_at=now, expires_at=body.expires_at,
        last_used_at=None, revoked_at=None,
    )  # fmt: skip
    await hub.database.transact(lambda c: tokens.add(c, token, auth.digest_of(text)))
    log.info("token_made", token=str(token.id), name=token.name, scopes=list(token.scopes), by=who.name)
    return views.token(token, text=text)


@router.delete(
    "/tokens/{token_id}", summary="Revoke an API token", status_code=204, responses=problems("not_found", "bad_input")
)  # fmt: skip
async def revoke_token(hub: TheHub, who: Admin, token_id: UUID) -> Response:
    """At once here; within two seconds at other nodes."""
    revoked = await hub.database.transact(lambda c: tokens.revoke(c, token_id, hub.now()))
    if not revoked:
        raise NotFound(f"There is no token {token_id}", hint="`im token list` shows them")
    auth.forget(hub)
    log.info("token_revoked", token=str(token_id), by=who.name)
    return Response(status_code=204)


@router.post(
    "/session", summary="Sign a browser in", response_model=shapes.Whoami,
    responses=open_problems("not_allowed", "bad_input", "database_away"),
)  # fmt: skip
@asks_only
async def sign_in(request: Request, response: Response, hub: TheHub, body: Code) -> shapes.Whoami:
    """Spend a one-time code; the answer sets the session's cookie."""
    principal, cookie = await auth.sign_in(hub, body.code)
    secure = request.url.scheme == "https" or hub.public_url.startswith("https:")
    response.set_cookie(
        auth.COOKIE, cookie, max_age=int(auth.SESSION_LASTS.total_seconds()), path="/", httponly=True,
        samesite="strict", secure=secure,
    )  # fmt: skip
    return _whoami(hub, principal)


@router.delete("/session", summary="Sign a browser out", status_code=204, responses=problems())
async def sign_out(request: Request, hub: TheHub, who: Anyone) -> Response:
    """Forget the session and its cookie."""
    text = auth.session_cookie(request.headers.get("cookie", ""))
    await hub.database.transact(lambda c: tokens.end_session(c, auth.digest_of(text), hub.now()))
    response = Response(status_code=204)
    response.delete_cookie(auth.COOKIE, path="/", httponly=True, samesite="strict")
    return response


@router.post(
    "/session/link", summary="Make a one-time link", response_model=shapes.SessionLink, responses=problems()
)
async def make_link(request: Request, hub: TheHub, who: Anyone) -> shapes.SessionLink:
    """It signs one browser in with the caller's own scopes, once, within ten minutes."""
    base = hub.public_url or str(request.base_url)
    return shapes.SessionLink(url=await auth.new_link(hub, name=who.name, scopes=who.scopes, base=base))


@router.get("/whoami", summary="Who am I?", response_model=shapes.Whoami, responses=problems())
async def whoami(hub: TheHub, who: Anyone) -> shapes.Whoami:
    """Who the hub takes the caller for."""
    return _whoami(hub, who)


def _whoami(hub: Hub, who: auth.Principal) -> shapes.Whoami:
    return shapes.Whoami(
        name=who.name, scopes=list(who.scopes), via=who.via, demo=hub.demo, version=__version__, public_url=hub.public_url
    )  # fmt: skip
