"""How are times, shares and severities of a report put into words? The same on paper and on a page."""

from __future__ import annotations

from datetime import datetime

from whenever import Instant

NOTHING = "–"
SEV = {"critical": "SEV-1", "high": "SEV-2", "medium": "SEV-3", "low": "SEV-4"}


def span(seconds: float | None) -> str:
    """ "42 s", "7 min", "2 h 5 min", "3 d 4 h"; a dash for none."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole < 600 and whole % 60 else "")
    if whole < 172_800:
        return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")
    return f"{whole // 86_400} d" + (f" {whole % 86_400 // 3600} h" if whole % 86_400 // 3600 else "")


def share(value: float | None) -> str:
    """ "98.7 %"; only all of it is 100 %, and only nothing is 0 %."""
    if value is None:
        return NOTHING
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    return f"{min(max(value * 100, 0.1), 99.9):.1f} %"


def number(value: int) -> str:
    """ "12 345", with a narrow space that does not break."""
    return f"{value:,}".replace(",", "\u202f")


def counted(value: int, one: str, many: str = "") -> str:
    """ "1 incident", "12 345 incidents"."""
    return f"{number(value)} {one if value == 1 else many or f'{one}s'}"


def moment(at: datetime | None, timezone: str) -> str:
    """Local date and time."""
    return f"{Instant(at).to_tz(timezone).to_stdlib():%Y-%m-%d %H:%M}" if at else NOTHING


def clock(at: datetime, timezone: str) -> str:
    """Local day and time of day with seconds."""
    return f"{Instant(at).to_tz(timezone).to_stdlib():%m-%d %H:%M:%S}"


def day(at: datetime, timezone: str) -> str:
    """ "1 August 2026"."""
    local = Instant(at).to_tz(timezone).to_stdlib()
    return f"{local.day} {local:%B %Y}"


def severity(word: str) -> str:
    """ "SEV-1 critical"."""
    return f"{SEV.get(word, '')} {word}".strip()
