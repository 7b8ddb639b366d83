"""What is known of the open incidents, and how fresh is it? Fed by the server's stream, over breaks of the connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tocsin.cli.wording import SEVERITIES, age, both_severities, plain

if TYPE_CHECKING:
    from tocsin.cli.command import Session
    from tocsin.client import Client
    from tocsin.client.shapes import Incident

LIVE = ("open", "mitigated")
AGAIN_SECONDS = (0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class News:
    """An incident that is new, or changed from the status `was` ("" = not known before). `rings` = it is critical and
    nobody has it."""

    incident: Incident
    was: str
    rings: bool


@dataclass(slots=True)
class Board:
    """`heard_at` = when the server was heard last; `lost_since` None = connected; `why` says what is wrong. `only` = the
    one incident that is looked at."""

    only: str = ""
    incidents: dict[str, Incident] = field(default_factory=dict)
    heard_at: datetime | None = None
    lost_since: datetime | None = None
    why: str = ""

    def all_of(self, found: Iterable[Incident], now: datetime) -> list[News]:
        """The whole truth: what is not in it is over."""
        self.heard(now)
        before, self.incidents = self.incidents, {}
        news = [one for incident in found if (one := self._put(incident, before.get(incident.name)))]
        return news

    def one(self, incident: Incident, now: datetime) -> News | None:
        """One changed; None when it is none of ours, or looks as before."""
        self.heard(now)
        if self.only and incident.name != self.only:
            return None
        return self._put(incident, self.incidents.get(incident.name))

    def _put(self, incident: Incident, known: Incident | None) -> News | None:
        was = known.status if known else ""
        if incident.status in LIVE or self.only:
            self.incidents[incident.name] = incident
        else:
            self.incidents.pop(incident.name, None)
        worse = known is not None and known.severity != incident.severity
        if incident.status == was and not worse:
            return None
        rings = incident.severity == "critical" and incident.status == "open" and (was != "open" or worse)
        return News(incident, was, rings)

    def heard(self, now: datetime) -> None:
        """The server lives."""
        self.heard_at, self.lost_since, self.why = now, None, ""

    def lost(self, why: str, now: datetime) -> None:
        """It cannot be heard."""
        self.lost_since, self.why = self.lost_since or now, why

    def rows(self) -> list[Incident]:
        """What nobody has first, the worst of it first, the oldest of these first."""

        def place(one: Incident) -> tuple[bool, int, int]:
            worst = SEVERITIES.index(one.severity) if one.severity in SEVERITIES else len(SEVERITIES)
            return (one.status != "open", worst, one.number)

        return sorted(self.incidents.values(), key=place)

    def head(self, now: datetime) -> tuple[str, bool]:
        """How it stands in one line, and whether that is fresh."""
        found = list(self.incidents.values())
        free = [one for one in found if one.status == "open"]
        worst = sum(one.severity == "critical" for one in free)
        counted = f"{len(free)} open{f' ({worst} SEV-1)' if worst else ''}, {sum(one.status == 'mitigated' for one in found)} acknowledged"
        if self.lost_since is not None:
            seen = f"seen {age(self.heard_at, now)} ago" if self.heard_at else "nothing is known yet"
            return f"{counted}   NOT CONNECTED for {age(self.lost_since, now)}, {seen}: {self.why}", False
        return f"{counted}   live", True


def cells(one: Incident, now: datetime) -> tuple[str, str, str, str, str, str, str]:
    """One row: name, severity, state, age, services, title, who has it."""
    state = one.status_shown or one.status
    return (
        one.name, both_severities(one.severity), state, age(one.opened_at, now), plain(",".join(one.services)), plain(one.title),
        plain(one.assignee or one.acknowledged_by),
    )  # fmt: skip


def maker(session: Session) -> Callable[[], Client]:
    """What makes a client for a thread of its own."""

    def make() -> Client:
        from tocsin import __version__
        from tocsin.client import Client

        return Client(
            session.places.url,
            session.places.token or None,
            timeout=session.timeout,
            agent=f"im/{__version__}",
        )

    return make


class Feed(threading.Thread):
    """Listens on a thread of its own, with a client of its own, until told to stop. `told` is called with what came:
    ("all", incidents), ("one", incident), ("line", timeline line), ("alive", None) or ("lost", why)."""

    def __init__(
        self, make: Callable[[], Client], told: Callable[[str, object], None], *, only: str = ""
    ) -> None:
        super().__init__(daemon=True, name="feed")
        self._make, self._told, self._only = make, told, only
        self._over = threading.Event()

    def stop(self) -> None:
        """It tells nothing more."""
        self._over.set()

    def run(self) -> None:
        """Listen first and read afterwards, so that nothing falls between the two."""
        from tocsin.client import ClientError

        failures, last = 0, ""
        while not self._over.is_set():
            hub = self._make()
            try:
                stream = hub.stream(last_event_id=last)
                self._tell("all", self._read(hub))
                failures = 0
                for event in stream:
                    if self._over.is_set():
                        return
                    last = event.id or last
                    self._event(hub, event.kind, event.data)
                why = "the server ended the stream"
            except ClientError as error:
                why = str(error)
            finally:
                hub.close()
            self._tell("lost", why)
            self._over.wait(AGAIN_SECONDS[min(failures, len(AGAIN_SECONDS) - 1)])
            failures += 1

    def _event(self, hub: Client, kind: str, data: object) -> None:
        from tocsin.client.shapes import Incident, TimelineLine, shaped

        if kind == "reset":
            self._tell("all", self._read(hub))
        elif kind == "incident":
            self._tell("one", shaped(data, Incident))
        elif kind == "timeline":
            self._tell("line", shaped(data, TimelineLine))
        else:
            self._tell("alive", None)

    def _read(self, hub: Client) -> list[Incident]:
        if self._only:
            return [hub.incident(self._only)]
        found: list[Incident] = []
        cursor = ""
        while True:
            page = hub.incidents(limit=500, cursor=cursor)
            found += page.items
            if not page.next_cursor or page.next_cursor == cursor:
                return found
            cursor = page.next_cursor

    def _tell(self, what: str, data: object) -> None:
        if not self._over.is_set():
            self._told(what, data)
