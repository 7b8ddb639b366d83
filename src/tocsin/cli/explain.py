"""Why did an alert go where it went, or where would this one go?"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.wording import both_severities, incident_name, moment, pair_from, plain, severity_from

if TYPE_CHECKING:
    from tocsin.client.shapes import Explanation, Step

app = typer.Typer()

_Pairs = Annotated[
    list[str] | None, typer.Option("--label", "-l", metavar="KEY=VALUE", help="A label of it.")
]
_Details = Annotated[list[str] | None, typer.Option("--detail", metavar="KEY=VALUE", help="A detail of it.")]


@command(
    app,
    "explain",
    example='im explain INC-7\nim explain --title "connection refused" --service database --at "2026-12-24 03:00"',
)
def explain(
    session: Session,
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="INC-7, 7 or the incident's id.")] = "",
    alert: Annotated[str, typer.Option("--alert", metavar="ID", help="An alert that came.")] = "",
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Or imagine one: its title.")] = "",
    service: Annotated[str, typer.Option("--service", metavar="NAME", help="Its service.")] = "",
    source: Annotated[str, typer.Option("--source", metavar="NAME", help="Its source.")] = "",
    severity: Annotated[
        str, typer.Option("--severity", "--sev", metavar="SEVERITY", help="Its severity.")
    ] = "",
    label: _Pairs = None,
    detail: _Details = None,
    at: Annotated[
        str, typer.Option("--at", metavar="TIME", help="When: 2026-12-24T03:00Z, or local 2026-12-24 03:00.")
    ] = "",
) -> None:
    """Explain why an alert went where it went, or would go.

    The rule taken and its reasons, each rule not taken and the clause that held it back, and what
    would have stopped the page.
    """
    imagined: dict[str, Any] = {
        "title": title,
        "service_name": service,
        "source": source,
        "severity": severity_from(severity) if severity else "",
        "labels": dict(pair_from(one, "--label") for one in label or []),
        "details": dict(pair_from(one, "--detail") for one in detail or []),
    }
    answer = session.client.explain(
        _question(incident, alert, {k: v for k, v in imagined.items() if v}, at, session)
    )
    if session.print.data(answer.raw):
        return
    if session.print.format == "tsv":
        session.print.fields(_flat(answer))
        return
    _for_people(session, answer)


def _question(
    incident: str, alert: str, imagined: dict[str, Any], at: str, session: Session
) -> dict[str, Any]:
    if sum(map(bool, (incident, alert, imagined))) != 1:
        raise Usage(
            "nothing to explain" if not (incident or alert or imagined) else "explain one thing at a time",
            hint="im explain INC-7, im explain --alert ID, or im explain --title TEXT --service NAME",
        )
    if at and not imagined:
        raise Usage(
            "--at goes with an imagined alert", hint='im explain --title TEXT --at "2026-12-24 03:00"'
        )
    if incident:
        return {"incident": incident_name(incident)}
    if alert:
        return {"alert_id": alert}
    if not imagined.get("title"):
        raise Usage("an imagined alert needs --title")
    return {"alert": imagined} | ({"at": _moment(at, session)} if at else {})


def _moment(text: str, session: Session) -> str:
    from datetime import UTC

    try:
        at = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    except ValueError:
        raise Usage(
            f"--at {text!r} is not a time", hint="write 2026-12-24T03:00Z or 2026-12-24 03:00"
        ) from None
    if at.tzinfo is None:  # a person means the clock on their wall, unless --utc
        at = at.replace(tzinfo=UTC) if session.utc else at.astimezone()
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _for_people(session: Session, answer: Explanation) -> None:
    out = session.print
    out.line(_headline(answer), "bold")
    out.fields(
        [
            ("Alert", _title(answer.alert)),
            ("Severity", both_severities(answer.severity)),
            ("Services", ", ".join(answer.services)),
            ("Team", answer.team),
            ("Rule", answer.rule),
            ("Policy", answer.policy),
            ("At", moment(answer.at, utc=session.utc)),
            ("Configuration", f"version {answer.config_version}" if answer.config_version else ""),
        ]
    )
    _listed(session, "Because", answer.reasons)
    _listed(session, "Steps", [_step(number, step) for number, step in enumerate(answer.steps, 1)])
    if answer.not_taken:
        out.line()
        out.line("Rules not taken", "bold")
        indent = min(max(len(plain(one.rule)) for one in answer.not_taken), 32) + 4
        for one in answer.not_taken:
            out.hanging([(f"  {plain(one.rule):<{indent - 2}}", ""), (plain(one.why), "dim")], indent)
    _listed(session, "What would have stopped it", answer.would_have_stopped)


def _headline(answer: Explanation) -> str:
    route = {"page": "It pages", "digest": "It goes into a digest", "suppress": "It is suppressed"}
    through = f" through {answer.policy}" if answer.policy and answer.route == "page" else ""
    by = f', by the rule "{answer.rule}"' if answer.rule else ""
    return plain(f"{route.get(answer.route, answer.route or 'Undecided')}{through}{by}.")


def _title(alert: object) -> str:
    return str(alert.get("title") or alert.get("id") or "") if isinstance(alert, dict) else ""


def _listed(session: Session, title: str, lines: list[str]) -> None:
    if lines:
        session.print.line()
        session.print.line(title, "bold")
        for line in lines:
            session.print.hanging([(f"  - {plain(line)}", "")], 4)


def _step(number: int, step: Step) -> str:
    words = f"step {number}: {step.mode} {', '.join(step.targets)}".strip()
    for name in ("after", "within", "hedge"):
        if value := getattr(step, name):
            words += f", {name} {value}{'s' if isinstance(value, int | float) else ''}"
    return words


def _flat(answer: Explanation) -> list[tuple[str, object]]:
    return [
        ("Route", answer.route),
        ("Rule", answer.rule),
        ("Policy", answer.policy),
        ("Severity", answer.severity),
        ("Services", ",".join(answer.services)),
        ("Team", answer.team),
        *(("Reason", reason) for reason in answer.reasons),
        *(("Step", _step(number, step)) for number, step in enumerate(answer.steps, 1)),
        *(("Not taken", f"{one.rule}: {one.why}") for one in answer.not_taken),
        *(("Would have stopped", line) for line in answer.would_have_stopped),
    ]
