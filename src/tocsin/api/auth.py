"""Who is calling, and may they? (TR-5)

A caller shows an API token (`Authorization: Bearer tsn_…`) or the cookie of a session. In demo mode, and
only there, a caller on this machine needs neither. Only SHA-256 hashes of tokens and cookies are stored, and
they are found by their hash: how long a look takes tells nothing about a token.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from tocsin.api.problems import Forbidden
from tocsin.core.errors import NotAllowed
from tocsin.engine.hub import Hub
from tocsin.store import tokens
from tocsin.store.database import DatabaseAway

SCOPES = ("read", "write", "intake", "admin")
COOKIE = "tocsin_session"
CSRF_HEADER = "x-tocsin"
SESSION_LASTS = timedelta(days=7)
CODE_LASTS = timedelta(minutes=10)

_KEPT_SECONDS = 2.0
"""A token is looked up anew after this long, so that revoking it at another node is felt at once."""
_ASK_SECONDS = 3.0
_MOST_KEPT = 1000
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
_kept: OrderedDict[tuple[str, bytes], tuple[float, tokens.Token]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. `via` is "token", "session" or "demo"; `id` tells two tokens of one name apart."""

    name: str
    scopes: tuple[str, ...]
    via: str
    id: str = ""

    def may(self, needed: str) -> bool:
        """True when the scopes allow it: admin implies all, and write may bring alerts in."""
        return (
            "admin" in self.scopes or needed in self.scopes or (needed == "intake" and "write" in self.scopes)
        )


async def authorize(hub: Hub, scope: Mapping[str, Any], needed: str) -> Principal:
    """The caller of an ASGI request, when they have the scope `needed` ("" = any known caller).

    Raises NotAllowed (401) for a stranger, Forbidden (403) for a known caller who may not.
    """
    headers = _headers(scope)
    principal = await _by_token(hub, headers) or await _by_cookie(hub, scope, headers)
    principal = principal or _by_demo(hub, scope, headers)
    if principal is None:
        raise NotAllowed(
            "No API token came with the request",
            hint="send Authorization: Bearer tsn_…; `im token create NAME --scope read` makes one, `im open` signs a browser in",
        )
    if needed and not principal.may(needed):
        raise Forbidden(
            f"{principal.name} may not do this: it needs the scope {needed}, and there is {', '.join(principal.scopes) or 'none'}",
            hint=f"`im token create NAME --scope {needed}` makes a token that may",
        )
    return principal


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


async def _by_token(hub: Hub, headers: Mapping[str, str]) -> Principal | None:
    given = headers.get("authorization")
    if given is None:
        return None
    kind, _, text = given.partition(" ")
    token = await _token(hub, digest_of(text.strip())) if kind.lower() == "bearer" else None
    if token is None:
        raise NotAllowed(
            "The API token is not known, was revoked or has run out",
            hint="`im token create NAME --scope read` makes a new one",
        )
    return Principal(token.name, token.scopes, "token", f"token {token.id}")


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


def _over(token: tokens.Token, now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now


async def _by_cookie(hub: Hub, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Principal | None:
    text = session_cookie(headers.get("cookie", ""))
    if not text:
        return None
    found = await hub.database.read(lambda c: tokens.find_session(c, digest_of(text), hub.now()))
    if found is None:
        return None
    if scope["method"] not in _SAFE and headers.get(CSRF_HEADER) != "1":
        raise Forbidden("A browser's write needs the header X-Tocsin: 1", hint="the dashboard sends it")
    return Principal(found[0], found[1], "session", f"session {digest_of(text).hex()[:32]}")


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
    return Principal("demo", SCOPES, "demo", "demo")


def _foreign(headers: Mapping[str, str]) -> bool:
    site = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    return site not in ("none", "same-origin") or (
        origin is not None and urlsplit(origin).netloc != headers.get("host")
    )


# ---- sessions ----------------------------------------------------------------------------------------


async def new_link(hub: Hub, *, name: str, scopes: tuple[str, ...], base: str) -> str:
    """A one-time address that signs one browser in with these scopes; good for ten minutes."""
    code = secrets.token_urlsafe(24)
    await hub.database.transact(
        lambda c: tokens.open_session(
            c, hash=digest_of(code), kind="code", name=name, scopes=scopes, expires_at=hub.now() + CODE_LASTS
        )
    )
    return f"{base.rstrip('/')}/?code={code}"


async def sign_in(hub: Hub, code: str) -> tuple[Principal, str]:
    """(who, cookie) for a one-time code, which is spent. Raises NotAllowed."""
    now = hub.now()
    spent = await hub.database.transact(lambda c: tokens.spend_code(c, digest_of(code), now))
    if spent is None:
        raise NotAllowed("This link was used already or is too old", hint="`im open` makes a new one")
    name, scopes = spent
    cookie = secrets.token_urlsafe(32)
    await hub.database.transact(
        lambda c: tokens.open_session(
            c,
            hash=digest_of(cookie),
            kind="session",
            name=name,
            scopes=scopes,
            expires_at=now + SESSION_LASTS,
        )
    )
    return Principal(name, scopes, "session"), cookie
