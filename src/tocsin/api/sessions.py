"""How does a browser get in? By a one-time link, which becomes a session (TR-5)."""

from __future__ import annotations

import secrets
from datetime import timedelta

from tocsin.api import throttle
from tocsin.api.auth import Principal, digest_of, of_session, session_id
from tocsin.api.problems import Forbidden
from tocsin.core.errors import NotAllowed, NotFound
from tocsin.core.roles import Role
from tocsin.core.values import replace
from tocsin.engine.acting import acting, tell
from tocsin.engine.hub import Hub
from tocsin.store import tokens
from tocsin.store.database import Connection
from tocsin.store.tokens import Session

SESSION_LASTS = timedelta(days=7)
CODE_LASTS, INVITATION_LASTS = timedelta(minutes=10), timedelta(hours=24)


async def new_link(hub: Hub, who: Principal, *, user: str, base: str) -> str:
    """A one-time address that signs one browser in, as the caller or as `user`; good for ten minutes, for somebody
    else for a day.

    Raises NotFound for an unknown user, Forbidden when the caller is neither that user nor an administrator.
    """
    if user and user not in hub.policy.users:
        raise NotFound(
            f"There is no user {user[:100]}",
            hint="the section `users` of the configuration has them: im user list",
        )
    if user and user != who.user and not who.may("admin"):
        raise Forbidden(
            f"{who.name} may not sign in as {user}: that needs the role {Role.ADMIN}",
            hint="an administrator makes the link: im user invite NAME",
        )
    code, of = secrets.token_urlsafe(24), user or who.user
    lasts = CODE_LASTS if of == who.user else INVITATION_LASTS
    session = Session(
        name=hub.policy.users[of].name if of else who.name,
        scopes=hub.policy.users[of].role.scopes if of else who.scopes, expires_at=hub.now() + lasts,
        role="" if of or who.role is None else who.role.value, teams=() if of else who.teams, user=of,
    )  # fmt: skip

    async def work(connection: Connection) -> None:
        await tokens.open_session(connection, digest_of(code), "code", session)
        await tell(connection, hub, "session.link", of or session.name, after=_shown(session))

    await hub.database.transact(work)
    return f"{base.rstrip('/')}/?code={code}"


async def sign_in(hub: Hub, code: str, address: str) -> tuple[Principal, str]:
    """(who, cookie) for a one-time code, which is spent. Raises NotAllowed, and TooMany after too many wrong ones."""
    throttle.refuse(hub.wrong_codes, "one-time codes", address, hub.now())
    now, cookie = hub.now(), secrets.token_urlsafe(32)

    async def work(connection: Connection) -> Principal | None:
        spent = await tokens.spend_code(connection, digest_of(code), now)
        principal = of_session(hub, spent, session_id(cookie)) if spent is not None else None
        if spent is None or principal is None:
            return None
        kept = replace(spent, expires_at=now + SESSION_LASTS)
        await tokens.open_session(connection, digest_of(cookie), "session", kept)
        if (acts := acting()) is not None:
            acts.actor, acts.kind, acts.via, acts.origin = principal.name, "person", principal.id, "page"
        await tell(connection, hub, "session.open", kept.user or kept.name, after=_shown(kept))
        return principal

    principal = await hub.database.transact(work)
    if principal is None:
        hub.wrong_codes.count(address, hub.now())
        raise NotAllowed("This link was used already or is too old", hint="`im open` makes a new one")
    return principal, cookie


def _shown(session: Session) -> dict[str, object]:
    known = {"role": session.role, "scopes": session.scopes, "teams": session.teams, "user": session.user}
    return {name: value for name, value in known.items() if value}
