"""What did the hub's nodes say of their work? Their log lines, as the API tells them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

import msgspec

from tocsin.client.shapes import Shape, paged, shaped
from tocsin.client.transport import Answer


class LogLine(Shape):
    """One line; `data` is what it says in names and numbers."""

    at: datetime | None = None
    level: str = ""
    component: str = ""
    event: str = ""
    text: str = ""
    connector: str = ""
    incident: str = ""
    node: str = ""
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class LogPage(Shape):
    """Some lines. `after` asks for what comes next; `memory_only` = the database is away."""

    items: tuple[LogLine, ...] = ()
    next_cursor: str | None = None
    after: str = ""
    memory_only: bool = False


class Asks(Protocol):
    """Whoever can call the API."""

    def call(self, method: str, path: str, *, query: dict[str, object]) -> Answer:
        """One request."""


class LogWays:
    """The questions about log lines; a part of the client."""

    def logs(
        self: Asks,
        *,
        component: str = "",
        filter: str = "",
        connector: str = "",
        incident: str = "",
        level: str = "",
        since: str = "",
        limit: int = 100,
        cursor: str = "",
        after: str = "",
        wait: float = 0,
    ) -> LogPage:
        """Lines, the newest first; with `after` those behind it in their order, waiting up to `wait` seconds."""
        query: dict[str, object] = {
            "component": component, "filter": filter, "connector": connector, "incident": incident, "level": level,
            "since": since, "limit": limit, "cursor": cursor, "after": after, "wait": wait or "",
        }  # fmt: skip
        data = self.call("GET", "/api/v1/logs", query=query).json()
        page = shaped(data, LogPage)
        page.items = tuple(paged(data, LogLine).items)  # each with its own JSON
        return page


def pages(first: LogPage, more: Any) -> Iterator[LogLine]:
    """The lines of this page and of the older ones; `more(cursor)` asks for those."""
    page = first
    while True:
        yield from page.items
        if not page.next_cursor:
            return
        page = more(page.next_cursor)
