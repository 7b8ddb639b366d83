"""What may a token be that somebody makes? Never more than they may themselves, and never the last that goes (TR-5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tocsin.api.auth import Principal
from tocsin.api.problems import Forbidden
from tocsin.core.errors import BadInput, Conflict, FieldFault
from tocsin.core.roles import above, is_admin, role_named
from tocsin.core.values import replace
from tocsin.engine.hub import Hub
from tocsin.engine.ids import new_id
from tocsin.store.tokens import Token


class LastAdmin(Conflict):
    """Nobody would be left who may."""

    code = "last_admin"


def drafted(
    hub: Hub, who: Principal, *, name: str, role: str, scopes: tuple[str, ...], teams: tuple[str, ...], user: str,
    expires_at: datetime | None,
) -> Token:  # fmt: skip
    """The token that is asked for. Raises BadInput naming each field, Forbidden for one that could do more than its
    maker."""
    now, faults = hub.now(), []
    if bool(role) == bool(scopes) and not (user and not role):
        faults.append(
            FieldFault("role", "is missing: viewer, responder, manager or admin; or scopes in its place")
        )
    if expires_at is not None and expires_at <= now:
        faults.append(FieldFault("expires_at", "is in the past"))
    faults += [
        FieldFault("teams", f"there is no team {team}") for team in teams if team not in hub.policy.teams
    ]
    owner = hub.policy.users.get(user)
    if user and owner is None:
        faults.append(FieldFault("user", f"there is no user {user}"))
    if user and scopes:
        faults.append(FieldFault("scopes", "a user's token has a role, not scopes"))
    if faults:
        raise BadInput("The token is not right; none was made", faults=tuple(faults))
    given = role_named(role) or (owner.role if owner else None)
    _refuse_more(who, given, scopes, teams or (owner.teams if owner else ()))
    return Token(
        id=new_id(now), name=name, scopes=scopes or (given.scopes if given else ()), made_at=now, expires_at=expires_at,
        last_used_at=None, revoked_at=None, role=given.value if given else "", teams=teams, user=user, made_by=who.name,
    )  # fmt: skip


def rotated(hub: Hub, who: Principal, old: Token) -> Token:
    """A token like `old`, from now on for as long as that was given. Raises Conflict for one that is over."""
    now = hub.now()
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise Conflict(f"The token {old.name} is over already", hint="im token create makes a new one")
    _refuse_more(who, role_named(old.role), old.scopes, old.teams)
    ends = now + (old.expires_at - old.made_at) if old.expires_at is not None else None
    return replace(old, id=new_id(now), made_at=now, expires_at=ends, last_used_at=None, made_by=who.name)


def _refuse_more(who: Principal, role: object, scopes: tuple[str, ...], teams: tuple[str, ...]) -> None:
    given = role_named(str(role)) if role else None
    if above(who.role, who.scopes, who.teams, role=given, scopes=scopes, teams=teams):
        raise Forbidden(
            f"{who.name} may not make a token that may more than {who.name} may",
            hint="somebody who may that makes it",
        )


def refuse_last(hub: Hub, gone: Token, others: Iterable[Token]) -> None:
    """Raises LastAdmin when `gone` was the last token of an administrator for the whole hub that goes on."""
    now = hub.now()

    def whole(one: Token) -> bool:
        over = one.revoked_at is not None or (one.expires_at is not None and one.expires_at <= now)
        return not over and is_admin(role_named(one.role), one.scopes) and not one.teams and not one.user

    if whole(replace(gone, revoked_at=None)) and not any(whole(one) for one in others if one.id != gone.id):
        raise LastAdmin(
            f"{gone.name} is the last token of an administrator; nobody could make another",
            hint="make the new one first: im token create NAME --role admin, or im token rotate ID",
        )


def told(token: Token) -> dict[str, object]:
    """A token in the audit log: all but its text."""
    return {
        "id": token.id, "name": token.name, "role": token.role, "scopes": token.scopes, "teams": token.teams,
        "user": token.user, "expires_at": token.expires_at,
    }  # fmt: skip
