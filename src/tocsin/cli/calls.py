"""How many calls of providers' APIs did an incident take (PR-6)?"""

from __future__ import annotations

from collections import Counter

from tocsin.cli.command import Session


def calls_of(session: Session, incident: str) -> str:
    """ "7 (prod-opsgenie 4, prod-pagerduty 3)"; "" when nothing was sent."""
    found: Counter[str] = Counter()
    cursor = ""
    while True:
        page = session.client.deliveries(incident, cursor=cursor)
        for delivery in page.items:
            found[delivery.connector] += delivery.calls
        if not page.next_cursor or page.next_cursor == cursor:
            break
        cursor = page.next_cursor
    named = ", ".join(f"{name} {n}" for name, n in sorted(found.items()) if n)
    return f"{found.total()} ({named})" if named else ""
