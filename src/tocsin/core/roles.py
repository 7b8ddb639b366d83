"""Who may do what? Four roles, each of which may all that those before it may; and whose incidents they are (TR-5)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum


class Role(StrEnum):
    """The weakest first."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    MANAGER = "manager"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        return _ORDER.index(self)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What an address may ask for and this role has."""
        return tuple(scope for scope, role in NEEDS.items() if role.rank <= self.rank)


_ORDER = tuple(Role)
NEEDS = {
    "read": Role.VIEWER,
    "write": Role.RESPONDER,
    "intake": Role.RESPONDER,
    "manage": Role.MANAGER,
    "admin": Role.ADMIN,
}
"""What an address asks for -> the least role that has it. "" = any known caller."""

SCOPES = ("read", "write", "intake", "admin")
"""What a token without a role may be given, as ever."""

DEFAULT = Role.RESPONDER
"""Of a user whose role the configuration does not say: whoever is paged must be able to acknowledge."""


def role_named(word: str) -> Role | None:
    """The role of that name; None for any other word."""
    return Role(word) if word in _ORDER else None


def may(role: Role | None, scopes: Collection[str], needed: str) -> bool:
    """True when a caller with this role, or with these scopes where they have none, may do what asks for `needed`.

    Of scopes, admin implies all and write implies bringing alerts in and managing: tokens with scopes keep what they
    could do before there were roles.
    """
    if not needed:
        return True
    if role is not None:
        return role.rank >= NEEDS[needed].rank
    return "admin" in scopes or needed in scopes or ("write" in scopes and needed in ("intake", "manage"))


def is_admin(role: Role | None, scopes: Collection[str]) -> bool:
    return may(role, scopes, "admin")


def covers(mine: Collection[str], theirs: Iterable[str]) -> bool:
    """True when who acts for the teams `mine` alone (none = for all) may act on what belongs to `theirs`. What
    belongs to nobody is everybody's: better one hand too many than none."""
    owners = [team for team in theirs if team]
    return not mine or not owners or any(team in mine for team in owners)


def above(mine: Role | None, my_scopes: Collection[str], my_teams: Collection[str], *, role: Role | None,
          scopes: Collection[str], teams: Collection[str]) -> bool:  # fmt: skip
    """True when a credential with `role` or `scopes`, for `teams`, could do what its maker cannot."""
    wider = bool(my_teams) and (not teams or not set(teams) <= set(my_teams))
    asked = role.scopes if role is not None else scopes
    return wider or not all(may(mine, my_scopes, scope) for scope in asked)
