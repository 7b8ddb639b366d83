"""Who is calling, and may they? (TR-5)

A caller shows an API token (`Authorization: Bearer tsn_…`) or the cookie of a session. In demo mode, and
only there, a caller on this machine needs neither. Only SHA-256 hashes of tokens and cookies are stored, and
they are found by their hash: how long a look takes tells nothing about a token.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from tocsin.api import scoped, throttle
from tocsin.api.problems import Forbidden
from tocsin.core.errors import NotAllowed
from tocsin.core.roles import NEEDS, SCOPES, Role, may, role_named
from tocsin.engine.acting import acting, refuse
from tocsin.engine.hub import Hub
from tocsin.store import tokens
from tocsin.store.database import DatabaseAway

COOKIE = "tocsin_session"
CSRF_HEADER = "x-tocsin"

_KEPT_SECONDS = 2.0
"""A token is looked up anew after this long, so that revoking it at another node is felt at once."""
_ASK_SECONDS = 3.0
_MOST_KEPT = 1000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
_kept: OrderedDict[tuple[str, bytes], tuple[float, tokens.Token]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. `via` is "token", "session" or "demo"; `id` tells two tokens of one name apart. `role` None =
    they have scopes alone; `teams` = they act for these, none = for all; `user` = a user of the configuration."""

    name: str
    scopes: tuple[str, ...]
    via: str
    id: str = ""
    role: Role | None = None
    teams: tuple[str, ...] = ()
    user: str = ""

    @property
    def kind(self) -> str:
        """ "token" or "person", as the audit log says it."""
        return "token" if self.via == "token" and not self.user else "person"

    def may(self, needed: str) -> bool:
        """True when the role, or else the scopes, allow it."""
        return may(self.role, self.scopes, needed)


async def authorize(hub: Hub, scope: Mapping[str, Any], needed: str) -> Principal:
    """The caller of an ASGI request, when they may do what asks for `needed` ("" = any known caller).

    Raises NotAllowed (401) for a stranger, Forbidden (403) for a known caller who may not, TooMany (429) for an
    address that shows wrong tokens too often.
    """
    headers = _headers(scope)
    principal = await _by_token(hub, scope, headers) or await _by_cookie(hub, scope, headers)
    principal = principal or _by_demo(hub, scope, headers)
    if principal is None:
        raise NotAllowed(
            "No API token came with the request",
            hint="send Authorization: Bearer tsn_…; `im token create NAME --role viewer` makes one, `im open` signs a browser in",
        )
    _known(principal)
    fault = _too_little(hub, principal, needed) or await scoped.beyond_teams(
        hub, principal.name, principal.teams, scope, needed
    )
    if fault is not None:
        if acting() is None:  # else whoever began it tells, whatever refused it (once.py)
            refuse(hub, None, fault.message, name=principal.name, kind=principal.kind, via=principal.id)
        raise fault
    return principal


def _too_little(hub: Hub, principal: Principal, needed: str) -> Forbidden | None:
    """The refusal of who may not; it says which role may, and who can give it."""
    if principal.may(needed):
        return None
    has = principal.role.value if principal.role else f"the scopes {', '.join(principal.scopes) or 'none'}"
    givers = [user.name for user in hub.policy.users.values() if user.role is Role.ADMIN]
    whom = f"{', '.join(givers[:5])} can give it (admin)" if givers else "an administrator can give it"
    return Forbidden(
        f"{principal.name} may not do this: it needs the role {NEEDS[needed]} (scope {needed}), and there is {has}",
        hint=f"{whom}: `role: {NEEDS[needed]}` of a user in the configuration, or `im token create NAME --role {NEEDS[needed]}`",
    )


def _known(principal: Principal) -> None:
    """It is this principal who acts, for the audit log."""
    who = acting()
    if who is None or who.actor:
        return
    who.actor, who.kind, who.via = principal.name, principal.kind, principal.id
    if principal.via == "session":
        who.origin = "page"
    elif principal.via == "demo" and who.origin != "command":
        who.origin = "demo"


def digest_of(text: str) -> bytes:
    """What is stored of a token, a cookie or a code."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def forget(hub: Hub) -> None:
    """Drop what is remembered of this hub's tokens: one was revoked."""
    for key in [key for key in _kept if key[0] == hub.database.dsn]:
        del _kept[key]


def on_this_machine(scope: Mapping[str, Any]) -> bool:
    """True for a peer on loopback that speaks for nobody else."""
    headers = _headers(scope)
    client = scope.get("client")
    return client is not None and _loopback(client[0]) and not any(name in headers for name in _FORWARDED)


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


async def _by_token(hub: Hub, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Principal | None:
    given = headers.get("authorization")
    if given is None:
        return None
    kind, _, text = given.partition(" ")
    digest, token, caller = digest_of(text.strip()), None, address_in(scope)
    if kind.lower() == "bearer":
        if hub.token_known(digest) is None:
            throttle.refuse(
                hub.wrong_tokens, "API tokens", caller, hub.now()
            )  # before the database is asked, but never who is known
        token = await _token(hub, digest)
    principal = _of_token(hub, token) if token is not None else None
    if principal is None:
        hub.wrong_tokens.count(caller, hub.now())
        if token is None and kind.lower() == "bearer":
            await _note_old(hub, digest)
        raise NotAllowed(
            "The API token is not known, was revoked or has run out",
            hint="`im token create NAME --scope read` makes a new one",
        )
    return principal


def _of_token(hub: Hub, token: tokens.Token) -> Principal | None:
    """None for the token of a user who is not in the configuration any more."""
    role, teams = role_named(token.role), token.teams
    if token.user:
        user = hub.policy.users.get(token.user)
        if user is None:
            return None
        role = min(role or user.role, user.role, key=lambda one: one.rank)
        teams = teams or user.teams
    scopes = role.scopes if role is not None else token.scopes
    return Principal(token.user or token.name, scopes, "token", f"token {token.id}", role, teams, token.user)


def of_session(hub: Hub, session: tokens.Session, id: str) -> Principal | None:
    """Whom a session stands for now: a user's role is that of the configuration in force. None for a user who is
    not in it any more."""
    role, teams, name = role_named(session.role), session.teams, session.name
    if session.user:
        user = hub.policy.users.get(session.user)
        if user is None:
            return None
        role, teams, name = user.role, user.teams, user.name
    scopes = role.scopes if role is not None else session.scopes
    return Principal(name, scopes, "session", id, role, teams, session.user)


def address_in(scope: Mapping[str, Any]) -> str:
    """Where a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _token(hub: Hub, digest: bytes) -> tokens.Token | None:
    now, key = hub.now(), (hub.database.dsn, digest)
    known = _kept.get(key)
    if known is not None and monotonic() - known[0] < _KEPT_SECONDS and not _over(known[1], now):
        return known[1]
    _kept.pop(key, None)
    try:
        if hub.away is not None:
            return hub.token_known(digest)
        token = await hub.patience.within(
            _ASK_SECONDS, hub.database.read(lambda c: tokens.find(c, digest, now))
        )
    except DatabaseAway:
        return hub.token_known(digest)
    if token is not None:
        _kept[key] = (monotonic(), token)
        if len(_kept) > _MOST_KEPT:
            _kept.popitem(last=False)
    return token


async def _note_old(hub: Hub, digest: bytes) -> None:
    """Somebody shows a token that was good once: the audit log says whose."""
    if hub.away is not None:
        return
    with suppress(DatabaseAway):
        old = await hub.patience.within(_ASK_SECONDS, hub.database.read(lambda c: tokens.ever(c, digest)))
        if old is not None:
            text = "the token was revoked" if old.revoked_at else "the token has run out"
            refuse(hub, acting(), text, name=old.name, kind="token", via=f"token {old.id}")


def _over(token: tokens.Token, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now


async def _by_cookie(hub: Hub, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Principal | None:
    text = session_cookie(headers.get("cookie", ""))
    if not text:
        return None
    found = await hub.database.read(lambda c: tokens.find_session(c, digest_of(text), hub.now()))
    principal = of_session(hub, found, session_id(text)) if found is not None else None
    if principal is None:
        return None
    if scope["method"] not in _SAFE and headers.get(CSRF_HEADER) != "1":
        raise Forbidden("A browser's write needs the header X-Tocsin: 1", hint="the dashboard sends it")
    return principal


def session_id(cookie: str) -> str:
    """What a session is called, by which nobody can use it."""
    return f"session {digest_of(cookie).hex()[:32]}"


def session_cookie(header: str) -> str:
    """The session in a Cookie header; "" without one."""
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _by_demo(hub: Hub, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Principal | None:
    if not hub.demo or not on_this_machine(scope):
        return None
    host = urlsplit(f"//{headers.get('host', 'localhost')}").hostname or ""
    if not (host == "localhost" or _loopback(host)):
        # a foreign name that points here: DNS rebinding by a page in the local browser
        return None
    if scope["method"] not in _SAFE and _foreign(headers):
        raise Forbidden(
            "A page of another site may not write here", hint="demo mode trusts this machine's own callers"
        )
    return Principal("demo", SCOPES, "demo", "demo", Role.ADMIN)


def _foreign(headers: Mapping[str, str]) -> bool:
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    return site not in ("none", "same-origin") or (
        origin is not None and urlsplit(origin).netloc != headers.get("host")
    )
