"""What is told of a hold: the pages that wait because the database is an older copy."""

from __future__ import annotations

import msgspec

from tocsin.client.shapes import Shape


class WouldPage(Shape):
    """A page that waited at a hold."""

    incident: str = ""
    title: str = ""
    severity: str = ""
    connector: str = ""
    why: str = ""


class Resumed(Shape):
    """A hold that was ended, and what leaves now."""

    resumed: bool = False
    would_page: list[WouldPage] = msgspec.field(default_factory=list)
