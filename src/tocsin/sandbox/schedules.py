"""Who takes turns at the simulated vendors? Rotations and overrides, set as their apps would set them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tocsin.sandbox.clock import iso_seconds
from tocsin.sandbox.requests import Unfit, object_of
from tocsin.sandbox.rotation import MONDAY, Period, Rotation
from tocsin.sandbox.world import World

Json = dict[str, Any]


class ScheduleRoutes:
    """`GET /<vendor>/schedules`, and POST of one: its rotation, or an override over it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, router: web.UrlDispatcher) -> None:
        for vendor in ("pagerduty", "opsgenie", "jsm"):
            router.add_get(f"/{vendor}/schedules", self._list)
            router.add_post(f"/{vendor}/schedules/{{id}}", self._rotate)
            router.add_post(f"/{vendor}/schedules/{{id}}/overrides", self._override)

    def _rotations(self, request: web.Request) -> dict[str, Rotation]:
        if request.path.startswith("/pagerduty/"):
            return {name: one.rotation for name, one in self._world.pagerduty.account.schedules.items()}
        house = self._world.jsm if request.path.startswith("/jsm/") else self._world.opsgenie
        return {f"{team}_schedule": rotation for team, rotation in house.account.rotations.items()}

    def _found(self, request: web.Request) -> Rotation:
        known = self._rotations(request)
        rotation = known.get(request.match_info["id"])
        if rotation is None:
            raise Unfit(404, f"There is no schedule {request.match_info['id']}; there are {', '.join(known)}")
        return rotation

    def _person(self, request: web.Request, who: Any) -> str:
        """The account's own key of a person; "" for nobody (null)."""
        if who is None:
            return ""
        if request.path.startswith("/pagerduty/"):
            user = self._world.pagerduty.account.person(str(who))
            found = user.id if user else ""
        else:
            house = self._world.jsm if request.path.startswith("/jsm/") else self._world.opsgenie
            one = house.account.person(str(who))
            found = one.username if one else ""
        if not found:
            raise Unfit(400, f"{who} is nobody of the account (GET /people)")
        return found

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response(
            {"schedules": {name: _shown(one) for name, one in self._rotations(request).items()}}
        )

    async def _rotate(self, request: web.Request) -> web.Response:
        """{"people": ["ada", null, "bo"], "hours": 168, "from": "2026-11-16T09:00Z"}; null = nobody's turn."""
        rotation, body = self._found(request), await object_of(request)
        people, hours = body.get("people"), body.get("hours", 168)
        if not isinstance(people, list) or not isinstance(hours, int) or hours < 1:
            raise Unfit(400, "needs people, a list (null = nobody), and hours of a turn, at least 1")
        rotation.people = tuple(self._person(request, who) for who in people)
        rotation.length = timedelta(hours=hours)
        rotation.begins = _time(body["from"]) if "from" in body else MONDAY
        return web.json_response(_shown(rotation))

    async def _override(self, request: web.Request) -> web.Response:
        """{"person": "cy", "start": …, "end": …}."""
        rotation, body = self._found(request), await object_of(request)
        start, end = _time(body.get("start")), _time(body.get("end"))
        person = self._person(request, body.get("person"))
        if not person or end <= start:
            raise Unfit(400, "needs person, start and a later end")
        rotation.overrides.append(Period(person, start, end))
        return web.json_response(_shown(rotation))


def _shown(rotation: Rotation) -> Json:
    overrides = [
        {"person": one.person, "start": iso_seconds(one.start), "end": iso_seconds(one.end)}
        for one in rotation.overrides
    ]
    people = [person or None for person in rotation.people]
    hours = rotation.length // timedelta(hours=1)
    return {"people": people, "hours": hours, "from": iso_seconds(rotation.begins), "overrides": overrides}


def _time(text: Any) -> datetime:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unfit(400, f"{text} is no ISO 8601 time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
