"""How does a script raise an alert, also while the server is away?"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Code, Failure, Usage
from tocsin.cli.spool import Entry, NeverTaken, NotNow, Spool
from tocsin.cli.wording import both_severities, pair_from, plain, rfc3339, severity_from

if TYPE_CHECKING:
    from tocsin.client.errors import ClientError
    from tocsin.client.shapes import Accepted

app = typer.Typer()


class Undelivered(Failure):
    """Neither sent nor kept."""

    code = Code.UNREACHABLE


@command(
    app,
    "send",
    example='im send --title "disk full on db1" --source cron --severity high --service database --key db1/disk\n'
    'im send --key db1/disk --title "disk full on db1" --resolve\n'
    "cat alerts.ndjson | im send -f -",
)
def send(
    session: Session,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What is wrong, in one line.")] = "",
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="Who says so.")] = "",
    severity: Annotated[
        str, typer.Option("--severity", "--sev", metavar="SEVERITY", help="critical … low or SEV-1 … SEV-4.")
    ] = "",
    service: Annotated[str, typer.Option("--service", metavar="NAME", help="What is hit.")] = "",
    key: Annotated[
        str,
        typer.Option("--key", metavar="KEY", help="The same condition has the same key; --resolve needs it."),
    ] = "",
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="More about it.")] = "",
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", metavar="KEY=VALUE", help="A label.")
    ] = None,
    detail: Annotated[
        list[str] | None, typer.Option("--detail", metavar="KEY=VALUE", help="A detail.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag.")] = None,
    resolve: Annotated[bool, typer.Option("--resolve", help="Say that it is over.")] = False,
    file: Annotated[
        str,
        typer.Option(
            "--file", "-f", metavar="FILE", help="One alert, an array or NDJSON; - is the standard input."
        ),
    ] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the decision and print it.")] = False,
    no_spool: Annotated[
        bool, typer.Option("--no-spool", help="Fail instead of keeping it while the server is away.")
    ] = False,
    flush: Annotated[bool, typer.Option("--flush", help="Send only what waits in the spool.")] = False,
) -> None:
    """Send an alert, or many; kept on disk while the server is away.

    What could not be sent waits in $XDG_STATE_HOME/tocsin/spool; the next im send delivers it first, in order.
    """
    fields: dict[str, Any] = {
        "title": title,
        "source": source,
        "severity": severity_from(severity) if severity else "",
        "service_name": service,
        "dedup_key": key,
        "description": description,
        "labels": dict(pair_from(one, "--label") for one in label or []),
        "details": dict(pair_from(one, "--detail") for one in detail or []),
        "tags": tag or [],
        "action": "resolve" if resolve else "",
    }
    given = {name: value for name, value in fields.items() if value}
    if flush and not given and not file:
        _flush_only(session)
        return
    alerts = _read(session, file, given) if file else [_checked(given, "")]
    _deliver(session, alerts, wait=wait, keep=not no_spool)


def _checked(alert: Any, where: str) -> dict[str, Any]:
    """Find out now what the server would refuse later, when nobody is looking."""
    if not isinstance(alert, dict):
        raise Usage(f"{where}an alert must be a JSON object")
    if not isinstance(alert.get("title"), str) or not alert["title"].strip():
        raise Usage(f"{where}an alert needs a title", hint='im send --title "what is wrong" --service NAME')
    if alert.get("action") == "resolve" and not alert.get("dedup_key") and not where:
        raise Usage("--resolve needs --key: the key under which it was raised")
    return alert


def _read(session: Session, file: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    if given:
        raise Usage("-f brings whole alerts; leave out the options that describe one")
    try:
        text = session.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from error
    name = "standard input" if file == "-" else file
    try:
        whole = json.loads(text)
    except ValueError:
        whole = [
            _parsed(line, f"{name}:{n}: ") for n, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    alerts = whole if isinstance(whole, list) else [whole]
    if not alerts:
        raise Usage(f"{name} holds no alert")
    return [_checked(alert, f"{name}, alert {n}: ") for n, alert in enumerate(alerts, 1)]


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise Usage(f"{where}not JSON: {error}") from error


def _deliver(session: Session, alerts: list[dict[str, Any]], *, wait: bool, keep: bool) -> None:
    """What waits goes first; then these, together, or with `wait` one after another."""
    from tocsin.client.errors import ClientError

    spool = Spool(session.places.spool)
    answers: list[Accepted] = []
    parcels = [[alert] for alert in alerts] if wait else [alerts]
    key = _fresh_key()
    try:
        _flush_if_any(session, spool)
        while parcels:
            answers += _post(session, parcels[0], key, wait=wait)
            parcels.pop(0)
            key = _fresh_key()
    except ClientError as error:
        if not keep or not _away(error):
            raise
        _keep(session, spool, parcels, key, error)
    if answers:
        _print(session, answers, wait=wait)


def _flush_if_any(session: Session, spool: Spool) -> None:
    """Send what waits; a spool that cannot be used must not keep a new alert from being sent."""
    try:
        if not spool.empty():
            with spool.locked():
                _flush(session, spool)
    except OSError as error:
        session.print.say(f"Warning: the spool {spool.folder} cannot be used: {error.strerror}", "yellow")


def _post(session: Session, parcel: list[dict[str, Any]], key: str, *, wait: bool = False) -> list[Accepted]:
    if len(parcel) == 1:
        return [session.client.send(parcel[0], wait=wait, key=key)]
    return session.client.send_batch(parcel, key=key).items


def _fresh_key() -> str:
    return f"im-{secrets.token_hex(16)}"


def _away(error: ClientError) -> bool:
    """Whether a later try may succeed: no connection, no answer, or a server in trouble."""
    from tocsin.client.errors import ServerFault, TimedOut, Unreachable

    return isinstance(error, Unreachable | TimedOut | ServerFault)


def _certainly_unsent(error: ClientError) -> bool:
    from tocsin.client.errors import ServerFault, Unreachable

    if isinstance(error, Unreachable):
        return not error.sent
    return isinstance(error, ServerFault) and error.status in (429, 503)


def _keep(
    session: Session, spool: Spool, parcels: list[list[dict[str, Any]]], key: str, error: ClientError
) -> None:
    """`key` is that of the first parcel, which may have arrived: it is sent again under the same key and unchanged."""
    at = rfc3339(session.clock())
    certain = _certainly_unsent(error)
    count = sum(len(parcel) for parcel in parcels)
    try:
        with spool.locked():
            for n, parcel in enumerate(parcels):
                marked = [_marked(alert, at) for alert in parcel] if certain or n else parcel
                spool.keep(marked, url=session.client.url, key=key if n == 0 else _fresh_key(), spooled_at=at)
    except (OSError, Failure) as full:
        raise Undelivered(
            f"{error}; and it could not be kept on disk either: {full}", hint="send it again"
        ) from full
    what = "The alert waits" if count == 1 else f"The {count} alerts wait"
    session.print.say(f"Not sent: {error}.", "yellow")
    session.print.say(f"{what} in {spool.folder}. The next im send delivers first what waits.")


def _marked(alert: dict[str, Any], at: str) -> dict[str, Any]:
    """The alert with the time at which it should have come: who is paged late wants to know."""
    details = alert.get("details") or {}
    return alert | {"details": {"spooled_at": at} | details} if isinstance(details, dict) else alert


def _flush_only(session: Session) -> None:
    spool = Spool(session.places.spool)
    try:
        with spool.locked():
            waiting = len(spool.waiting(session.client.url))
            if waiting:
                _flush(session, spool)
    except OSError as error:
        raise Failure(f"the spool {spool.folder} cannot be used: {error.strerror}") from error
    if not waiting:
        session.print.say(f"Nothing waits for {session.client.url}.")


def _flush(session: Session, spool: Spool) -> None:
    from tocsin.client.errors import BadInput, Conflict, NotFound, ServerFault

    def send_entry(entry: Entry) -> None:
        try:
            _post(session, entry.alerts, entry.key)
        except (BadInput, Conflict) as error:
            raise NeverTaken(str(error)) from error
        except ServerFault as error:
            if error.status == 500:  # this one makes the server stumble; it must not hold up the others
                session.print.say(
                    f"The server failed at what has waited since {entry.spooled_at}; it stays.", "yellow"
                )
                raise NotNow from error
            raise
        except NotFound as error:  # the address is not a Tocsin: nothing is wrong with the alert
            raise Undelivered(f"what waits was not sent: {error}", hint="is IM_URL right?") from error

    def refused(entry: Entry, aside: Path) -> None:
        title = plain(entry.alerts[0].get("title")) if entry.alerts else ""
        session.print.say(
            f"The server will not take {title!r} of {entry.spooled_at}; put aside: {aside}", "yellow"
        )

    sent = spool.flush(session.client.url, send_entry, refused)
    if sent:
        session.print.say(f"Sent first what had waited ({sent}).")


def _print(session: Session, answers: list[Accepted], *, wait: bool) -> None:
    out = session.print
    if out.data(answers[0].raw if len(answers) == 1 else {"items": [answer.raw for answer in answers]}):
        return
    if out.format == "tsv":
        out.line("ALERT\tSTATUS\tDUPLICATE\tINCIDENT\tSEVERITY\tROUTE\tCORRELATION")
        for a in answers:
            cells = (
                a.alert_id,
                a.status,
                str(a.duplicate).lower(),
                a.incident,
                a.severity,
                a.route,
                a.correlation_id,
            )
            out.line("\t".join(plain(cell) for cell in cells))
        return
    if len(answers) > 1:
        repeated = sum(answer.duplicate for answer in answers)
        out.done(f"{len(answers)} alerts stored, {repeated} of them repeats.", "im list")
        return
    answer = answers[0]
    again = " (a repeat of one that is known)" if answer.duplicate else ""
    out.line(f"Alert {answer.alert_id} stored{again}, {answer.status}.")
    if wait:
        _decision(session, answer)
    else:
        out.say(f"Next: im explain --alert {answer.alert_id}", "dim")


def _decision(session: Session, answer: Accepted) -> None:
    out = session.print
    words = {"page": "It pages", "digest": "It goes into a digest", "suppress": "It is suppressed"}
    into = f" as {answer.incident}" if answer.incident else ""
    out.line(
        f"{words.get(answer.route, answer.route or 'Undecided')}{into}, {both_severities(answer.severity)}."
    )
    for reason in answer.reasons:
        out.hanging([(f"  - {plain(reason)}", "")], 4)
    following = (
        f"im timeline {answer.incident}" if answer.incident else f"im explain --alert {answer.alert_id}"
    )
    out.say(f"Next: {following}", "dim")
