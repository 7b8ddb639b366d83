"""Which instant does a person mean who types a time or a day?"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tocsin.cli.failures import Usage


def instant_from(text: str, option: str, *, utc: bool) -> str:
    """ "2026-12-24T03:00Z" or "2026-12-24 03:00" as RFC 3339 in UTC; without a zone it is the clock on this machine's
    wall, or UTC's. Raises Usage."""
    try:
        at = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    except ValueError:
        raise Usage(
            f"{option} {text!r} is not a time", hint="write 2026-12-24T03:00Z or 2026-12-24 03:00"
        ) from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC) if utc else at.astimezone()
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def with_offset(at: datetime | None, *, utc: bool) -> str:
    """ "2026-12-24 03:00 +01:00": what somebody in another zone reads rightly; "-" for none."""
    if at is None:
        return "-"
    if utc:
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    local = at.astimezone()
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:5]}"
