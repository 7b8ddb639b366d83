"""What was heard of an alert since it was last decided, as lines of its timeline."""

from __future__ import annotations

from tocsin.core.dedup import Reading
from tocsin.core.model import Alert, Line
from tocsin.core.situation import Situation


def heard_lines(situation: Situation, alert: Alert) -> tuple[Line, ...]:
    """received and deduplicated, one line for the first event and one for all later ones together."""
    lines: list[Line] = []
    repeats = [h for h in situation.heard if h.reading is Reading.SAME]
    for heard in situation.heard:
        if heard.reading is Reading.NEW:
            text = f"{alert.integration}: {heard.event.title or alert.title}"
            lines.append(
                Line(kind="alert_received", text=text, reason="received", data={"key": alert.dedup_key})
            )
            lines.append(Line(kind="alert_deduplicated", text=f"New alert: {heard.reason}", reason="new"))
        elif heard.reading is Reading.ACKNOWLEDGED:
            lines.append(
                Line(kind="alert_acknowledged", text=f"{alert.integration} acknowledged it", reason="sender")
            )
        elif heard.reading is Reading.RESOLVED:
            lines.append(
                Line(kind="alert_resolved", text=f"{alert.integration}: {heard.reason}", reason="sender")
            )
        elif heard.reading is Reading.IGNORED:
            lines.append(
                Line(
                    kind="event_ignored",
                    text=f"{heard.event.action.value} ignored: {heard.reason}",
                    reason="ignored",
                )
            )
    if repeats:
        text = f"Repeated, {alert.count} {'time' if alert.count == 1 else 'times'} so far; text and details are those of the latest"
        lines.append(Line(kind="alert_repeated", text=text, reason="same", data={"count": alert.count}))
    return tuple(lines)
