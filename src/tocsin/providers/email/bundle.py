"""What does one message say that pages for several incidents?"""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.core.ports import Effect, EffectKind
from tocsin.providers.email.words import (
    LONGEST_SUBJECT,
    MOST_LISTED,
    by_incident,
    facts_of,
    links_are_for,
    one_line,
)


def subject_of(effect: Effect) -> str:
    """The worst, and how many more; one incident with several services is one."""
    incidents = by_incident(effect.bundled)
    worst = incidents[0][0]
    start = "" if any(one.kind is EffectKind.CREATE and not one.repeat for one in effect.bundled) else "Re: "
    title = one_line(worst.title)[:LONGEST_SUBJECT] or "Untitled incident"
    more = f" and {len(incidents) - 1} more" if len(incidents) > 1 else ""
    return f"{start}[{effect.severity.sev}] {title} ({worst.incident_name}){more}"


def text_of(effect: Effect) -> str:
    """Every incident with what is needed to acknowledge it, the worst first. Links only lead to pages (S52)."""
    incidents = by_incident(effect.bundled)
    left = len(incidents) - MOST_LISTED
    blocks = [
        f"{len(incidents)} incidents, the worst first. Each is acknowledged by itself."
        if len(incidents) > 1
        else "",
        *(_told(pages) for pages in incidents[:MOST_LISTED]),
        f"… and {left} more: im list --status open" if left > 0 else "",
        links_are_for(effect) if any(page.acts for page in effect.bundled) else "",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _told(pages: Sequence[Effect]) -> str:
    first = pages[0]
    lines = [
        f"{first.incident_name}  [{first.severity.sev}] {one_line(first.title)[:LONGEST_SUBJECT]}{_again(first)}",
        *(f"  {name}: {value}" for name, value in facts_of(first, pages).items() if value),
        *(f"  {link.text or 'Link'}: {link.href}" for link in first.links),
        *(f"  To acknowledge: {act.href}" for act in first.acts),
        f"  {'Or' if first.acts else 'To acknowledge'}: im ack {first.incident_name}",
        f"  {first.incident_url}" if first.incident_url else "",
    ]
    return "\n".join(line for line in lines if line)


def _again(page: Effect) -> str:
    if page.kind is EffectKind.REOPEN:
        return " (open again)"
    return " (asked again: nobody has acknowledged yet)" if page.repeat else ""
