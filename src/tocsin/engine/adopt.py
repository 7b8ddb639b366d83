"""A page that went out without the database finds its incident: adopted there, never sent again (S47, S29)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tocsin.core.model import Incident, Line
from tocsin.core.ports import EffectKind, RemoteStatus
from tocsin.engine.ask import add_effect
from tocsin.store.blind_pages import CREATED, FAILED, UNSURE, BlindPage
from tocsin.store.outbox import Remote
from tocsin.store.sheet import NewRemote, RemoteName, Sheet


def adopt(
    sheet: Sheet, incident: Incident, remotes: Sequence[Remote], pages: Sequence[BlindPage], now: datetime
) -> tuple[list[Remote], list[tuple[BlindPage, RemoteName | None]]]:
    """(the incident's remotes with those that the pages made, each page with the name of its remote).

    Where the incident already rang at that connector, the page is a twin: it ends there, and the
    incident's own goes on.
    """
    known, done = list(remotes), list[tuple[BlindPage, RemoteName | None]]()
    services = [part.service for part in incident.parts]
    for page in pages:
        if page.state == FAILED:
            done.append((page, None))
            text = f"{page.connector} could not be paged while the database was away: {page.fault}"
            sheet.tell(page.at, incident, Line(kind="page_failed", text=text, reason="blind"))
            continue
        service = page.service if page.service in services else services[0]
        there = [
            r
            for r in known
            if (r.connector, r.service, r.recipient) == (page.connector, service, page.recipient)
        ]
        lives = [r.life for r in there]
        twin = bool(there) and max(there, key=lambda r: r.life).status is not RemoteStatus.RESOLVED
        life = min(lives) - 1 if twin else max([incident.life - 1, *lives]) + 1
        name = RemoteName(incident.id, page.connector, service, page.recipient, life)
        sheet.remotes.append(NewRemote(name, page.key, 0, now))
        done.append((page, name))
        known.append(_remote(page, name, now))
        _tell(sheet, incident, page, twin)
        if twin:
            add_effect(sheet, incident, name, EffectKind.RESOLVE, {"ends_life": True}, now, mark="twin")
        elif page.state == UNSURE:
            add_effect(sheet, incident, name, EffectKind.CREATE, {}, now)
    return known, done


def _tell(sheet: Sheet, incident: Incident, page: BlindPage, twin: bool) -> None:
    what = f" as {page.remote_id}" if page.remote_id else ""
    text = f"{page.connector} was paged{what} at {page.at:%H:%M:%S} UTC while the database was away: "
    if page.state == UNSURE:
        text += "whether it arrived is looked up"
    else:
        text += "it has this incident's page already, and the other is ended there" if twin else "adopted"
    sheet.tell(
        page.at,
        incident,
        Line(kind="page_created", text=text, reason="blind", data={"connector": page.connector}),
    )


def _remote(page: BlindPage, name: RemoteName, now: datetime) -> Remote:
    """As it will be read once the sheet is saved; asked now, so that this page counts it among its ways."""
    return Remote(
        id=0, incident_id=name.incident_id, connector=name.connector, service=name.service, recipient=name.recipient,
        life=name.life, key=page.key, remote_id=page.remote_id, remote_url=page.remote_url,
        status=RemoteStatus.TRIGGERED if page.state == CREATED else RemoteStatus.UNKNOWN, step=0, asked_at=now,
        accepted_at=page.at if page.reached else None, created_at=page.at if page.state == CREATED else None,
        notified_at=None, acknowledged_at=None, resolved_at=None, failed_at=None, superseded_at=None, fault="",
        expected=(), read_at=None, there_at=None, shared=False, exhausted_at=None, asked_in=name.life,
    )  # fmt: skip
