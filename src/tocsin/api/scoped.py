"""Whose is it? Who acts for some teams alone changes what belongs to these, and reads everything (TR-5).

What an address changes is known by how it begins. What no line here names is the whole hub's, and is not changed by
who acts for some teams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tocsin.api.problems import Forbidden
from tocsin.core.roles import covers
from tocsin.engine.hub import Hub
from tocsin.store import incidents
from tocsin.store.database import Connection

_CHANGES = ("write", "manage", "admin")
_THEMSELVES = ("/api/v1/session", "/api/v1/silences", "/api/v1/maintenance", "/api/v1/incidents")
"""Addresses that look into the body, or at what is named, by themselves: `mine` is asked there."""


async def beyond_teams(
    hub: Hub, name: str, teams: tuple[str, ...], scope: Mapping[str, Any], needed: str
) -> Forbidden | None:
    """The refusal of who acts for `teams` alone and would change what is another's; None = they may."""
    if not teams or needed not in _CHANGES:
        return None
    path = scope["path"]
    parts = path.split("/")
    if path.startswith("/api/v1/incidents/") and len(parts) > 4:
        theirs = await _teams_of(hub, unquote(parts[4]))
        return None if covers(teams, theirs) else _not_yours(name, teams, parts[4], theirs)
    if path.startswith(_THEMSELVES):
        return None
    return Forbidden(
        f"{name} acts for {', '.join(teams)} alone, and this is about the whole hub",
        hint="somebody who acts for all teams can do it: a user without `teams`, a token without --team",
    )


def mine(
    hub: Hub, name: str, teams: tuple[str, ...], *, services: tuple[str, ...] = (), team: str = ""
) -> None:
    """Raises Forbidden when what is about these services, or this team, is not for who acts for `teams` alone."""
    theirs = [team, *(known.team for s in services if (known := hub.policy.services.get(s)) is not None)]
    if not covers(teams, theirs):
        raise _not_yours(name, teams, ", ".join(services) or "it", [one for one in theirs if one])


def muting(hub: Hub, name: str, teams: tuple[str, ...], match: Mapping[str, str]) -> None:
    """Raises Forbidden when a mute that must match this is not about who acts for `teams` alone."""
    service = hub.policy.services.get(match.get("service", ""))
    if not teams or match.get("team") in teams or (service is not None and service.team in teams):
        return
    raise Forbidden(
        f"{name} acts for {', '.join(teams)} alone, and this would mute what is not theirs",
        hint=f"name the team or one of its services: --match team={teams[0]}",
    )


def _not_yours(name: str, teams: tuple[str, ...], what: str, theirs: list[str]) -> Forbidden:
    return Forbidden(
        f"{name} acts for {', '.join(teams)} alone, and {what} belongs to {', '.join(dict.fromkeys(theirs))}",
        hint="somebody of that team can do it, or who acts for all teams",
    )


async def _teams_of(hub: Hub, name: str) -> list[str]:
    """The teams of an incident and of its services; none for an unknown one, which is refused as such."""

    async def ask(connection: Connection) -> list[str]:
        found = await incidents.id_of(connection, name[:100])
        if found is None:
            return []
        incident = (await incidents.load(connection, [found]))[found].incident
        owners = [hub.policy.services[s].team for s in incident.services if s in hub.policy.services]
        return [team for team in (incident.team, *owners) if team]

    return await hub.database.read(ask)
