"""What does one message say that pages for several incidents?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tocsin.core.ports import Effect, EffectKind
from tocsin.providers.email.words import LONGEST_SUBJECT, one_line

MOST_LISTED = 50
"""Incidents told one by one; a longer list is read by nobody at night."""


def subject_of(effect: Effect) -> str:
    """The worst, and how many more; one incident with several services is one."""
    incidents = _incidents(effect.bundled)
    worst = incidents[0][0]
    start = "" if any(one.kind is EffectKind.CREATE and not one.repeat for one in effect.bundled) else "Re: "
    title = one_line(worst.title)[:LONGEST_SUBJECT] or "Untitled incident"
    more = f" and {len(incidents) - 1} more" if len(incidents) > 1 else ""
    return f"{start}[{effect.severity.sev}] {title} ({worst.incident_name}){more}"


def text_of(effect: Effect) -> str:
    """Every incident with what is needed to acknowledge it, the worst first. Links only lead to pages (S52)."""
    incidents = _incidents(effect.bundled)
    left = len(incidents) - MOST_LISTED
    blocks = [
        f"{len(incidents)} incidents, the worst first. Each is acknowledged by itself."
        if len(incidents) > 1
        else "",
        *(_told(pages) for pages in incidents[:MOST_LISTED]),
        f"… and {left} more: im list --status open" if left > 0 else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _told(pages: Sequence[Effect]) -> str:
    first = pages[0]
    services = ", ".join(page.service for page in pages if page.service)
    since = f"{first.opened_at:%Y-%m-%d %H:%M:%S} UTC" if first.opened_at else ""
    named = {"Service": services, "Team": first.team, "Since": since, "Correlation id": first.correlation_id}
    lines = [
        f"{first.incident_name}  [{first.severity.sev}] {one_line(first.title)[:LONGEST_SUBJECT]}{_again(first)}",
        *(f"  {name}: {value}" for name, value in named.items() if value),
        *(f"  {link.text or 'Link'}: {link.href}" for link in first.links),
        f"  To acknowledge: im ack {first.incident_name}",
        f"  {first.incident_url}" if first.incident_url else "",
    ]
    return "\n".join(line for line in lines if line)


def _again(page: Effect) -> str:
    if page.kind is EffectKind.REOPEN:
        return " (open again)"
    return " (asked again: nobody has acknowledged yet)" if page.repeat else ""


def _incidents(pages: Iterable[Effect]) -> list[list[Effect]]:
    """The pages of each incident, the worst incident first, and of two alike the one that was opened first."""
    found: dict[str, list[Effect]] = {}
    for page in pages:
        found.setdefault(page.incident, []).append(page)
    return sorted(
        found.values(),
        key=lambda of: (-of[0].severity.rank, of[0].opened_at.timestamp() if of[0].opened_at else 0.0),
    )
