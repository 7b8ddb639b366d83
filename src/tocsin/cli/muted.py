"""Which alerts page nobody now: by what are they kept quiet, until when, and whom would they have paged?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tocsin.cli.command import Session
from tocsin.cli.printing import Column
from tocsin.cli.wording import both_severities, moment, rfc3339

if TYPE_CHECKING:
    from tocsin.client.shapes import Alert

_COLUMNS = (
    Column("SEVERITY", styled=True),
    Column("TITLE", flex=True),
    Column("MUTED BY", flex=True),
    Column("UNTIL"),
    Column("WOULD PAGE", flex=True),
    Column("REPEATS", right=True),
    Column("ALERT", wide=True),
    Column("RULE", wide=True),
    Column("SINCE", wide=True),
)


def list_muted(session: Session, search: str, limit: int, cursor: str) -> None:
    """A table of the quiet alerts, the newest first."""
    page = session.client.alerts(status="dropped", q=search, limit=limit, cursor=cursor)
    if not session.print.data(page.raw):
        session.print.rows(
            _COLUMNS, page.items, lambda one: _row(one, session), none="No alert is kept quiet."
        )
    if page.next_cursor:
        session.print.say(f"More: im list --muted --limit {limit} --cursor {page.next_cursor}")


def _row(alert: Alert, session: Session) -> list[object]:
    exact = session.print.format == "tsv"
    decision = alert.decision
    would = decision.would_page if decision else None
    until = decision.muted_until if decision else None
    since = decision.muted_since if decision else None
    return [
        alert.severity if exact else both_severities(alert.severity),
        alert.title,
        alert.muted_by,
        rfc3339(until) if exact else moment(until, utc=session.utc) if until else "it changes",
        ", ".join(would.targets) if would else "",
        alert.count,
        alert.id,
        would.rule if would else "",
        rfc3339(since) if exact else moment(since, utc=session.utc),
    ]
