"""Why did an alert go where it went, or where would this one go?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Usage
from tocsin.cli.instants import instant_from
from tocsin.cli.wording import both_severities, incident_name, moment, pair_from, plain, severity_from

if TYPE_CHECKING:
    from tocsin.client.shapes import Explanation, NotTaken, Step, TargetTold

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

    The rule taken and its reasons, when who is asked and how far each came, each rule not taken and the
    clause that held it back, and what would have stopped the page; for what is quiet, what would make it page.
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
    return {"alert": imagined} | ({"at": instant_from(at, "--at", utc=session.utc)} if at else {})


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
    _listed(session, "When", answer.timing)
    _listed(session, "Steps", [_step(number, step) for number, step in enumerate(answer.steps, 1)])
    _listed(session, "Who was asked", [_told(one) for one in answer.targets])
    _listed(session, "What would have stopped it", answer.would_have_stopped)
    _listed(session, "What would make it page", answer.would_page_if)
    if answer.not_taken:
        out.line()
        out.line("Rules not taken", "bold")
        names = [_not_taken(one) for one in answer.not_taken]
        indent = min(max(len(name) for name in names), 40) + 4
        for name, one in zip(names, answer.not_taken, strict=True):
            out.hanging([(f"  {name:<{indent - 2}}", ""), (plain(one.why), "dim")], indent)


def _not_taken(one: NotTaken) -> str:
    """Its name, with the kind in front where it is no routing rule."""
    return plain(one.rule if one.kind in ("routing", "") else f"{one.kind}: {one.rule}")


def _told(one: TargetTold) -> str:
    where = f"{one.target} ({one.service})" if one.service else one.target
    return f"{where}: {one.state}{f', {one.why}' if one.why else ''}"


def _headline(answer: Explanation) -> str:
    route = {"page": "It pages", "digest": "It goes into a digest", "suppress": "It pages nobody"}
    through = f" through {answer.policy}" if answer.policy and answer.route == "page" else ""
    if answer.muted_by:
        until = f" until {answer.muted_until:%Y-%m-%d %H:%M} UTC" if answer.muted_until else ""
        first = f"It pages nobody: {answer.muted_by}{until}."
    else:
        by = f', by the rule "{answer.rule}"' if answer.rule else ""
        first = f"{route.get(answer.route, answer.route or 'Undecided')}{through}{by}."
    if answer.would_page is None:
        return plain(first)
    whom = ", ".join(answer.would_page.targets) or "nobody"
    return plain(f'{first} It would have paged {whom}, by the rule "{answer.would_page.rule}".')


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
        *(("When", line) for line in answer.timing),
        *(("Asked", _told(one)) for one in answer.targets),
        *(("Not taken", f"{_not_taken(one)}: {one.why}") for one in answer.not_taken),
        *(("Would have stopped", line) for line in answer.would_have_stopped),
        *(("Would page if", line) for line in answer.would_page_if),
    ]
