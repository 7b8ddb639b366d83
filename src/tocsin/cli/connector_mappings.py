"""Which service, and which escalation, is which at a provider?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.connector_settings import DryRun, Force, Name, told
from tocsin.cli.failures import Usage
from tocsin.cli.printing import Column
from tocsin.cli.wording import plain

if TYPE_CHECKING:
    from tocsin.client.connectors import ConnectorMapping, ConnectorMappings, ConnectorType

ImService = Annotated[
    str, typer.Option("--im-service", "--service", metavar="SERVICE", help='The service here; "default" for the rest.')
]  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file under `im connector`."""
    command(app, "map-service", example=_MAP)(map_service)
    command(app, "unmap-service", example="im connector unmap-service prod-pagerduty --im-service api")(
        unmap_service
    )
    command(app, "list-mappings", example="im connector list-mappings prod-pagerduty")(list_mappings)
    command(app, "map-escalation", example=_ESCALATE)(map_escalation)
    command(app, "unmap-escalation", example="im connector unmap-escalation prod-pagerduty --service api")(
        unmap_escalation
    )
    command(app, "list-escalations", example="im connector list-escalations prod-pagerduty")(list_escalations)


_MAP = """im connector map-service prod-pagerduty --im-service api --pd-service PAPI001
im connector map-service prod-opsgenie --im-service api --team Payments
im connector map-service prod-pagerduty --im-service default --remote-service PGEN001"""


def map_service(
    session: Session,
    name: Name,
    im_service: ImService = "",
    remote: Annotated[
        str,
        typer.Option(
            "--remote-service", "--pd-service", "--team", "--og-team", metavar="ID",
            help="What it is there: the id of a service, or the name of a team.",
        ),
    ] = "",
    dry_run: DryRun = False,
    force: Force = False,
) -> None:  # fmt: skip
    """Say which service of the provider takes the incidents of a service here.

    It must exist there, unless --force. What has no mapping goes to "default".
    """
    if not im_service or not remote:
        raise Usage("which service, and what is it there?", hint=_MAP.splitlines()[0])
    value = _prefixed(remote, _kind(session, name).service_prefix)
    patch = {"custom": {"service_mappings": {im_service: value}}}
    change = session.client.change_connector(name, patch, dry_run=dry_run, force=force)
    if told(session, change, same=f"{name} maps {im_service} to {value} already."):
        session.print.done(
            f"{name} maps {im_service} to {value}: version {change.version} is in force.",
            f"im connector list-mappings {name}",
        )


def unmap_service(
    session: Session, name: Name, im_service: ImService = "", dry_run: DryRun = False, force: Force = False
) -> None:
    """Take a service's mapping away; its incidents go to "default" then."""
    if not im_service:
        raise Usage("which service?", hint="--im-service api")
    _unmap(session, name, "service_mappings", im_service, dry_run=dry_run, force=force)


_ESCALATE = """im connector map-escalation prod-pagerduty --service api --escalation-policy PAPI001
im connector map-escalation prod-opsgenie --service api --escalation-policy "API on call"
im connector map-escalation prod-pagerduty --policy database-lead --escalation-policy PLEAD01"""


def map_escalation(
    session: Session,
    name: Name,
    service: Annotated[str, typer.Option("--service", metavar="SERVICE", help='The service here; "default" for the rest.')] = "",
    policy: Annotated[str, typer.Option("--policy", metavar="POLICY", help="In place of a service: an escalation policy here.")] = "",
    escalation: Annotated[str, typer.Option("--escalation-policy", metavar="ID", help="What it is there.")] = "",
    dry_run: DryRun = False,
    force: Force = False,
) -> None:  # fmt: skip
    """Say which escalation policy of the provider pages for a service, or for an escalation policy here.

    A policy's mapping comes before a service's, and both before the connector's own (im connector config).
    """
    if bool(service) == bool(policy) or not escalation:
        raise Usage(
            "which service (or --policy), and which escalation policy there?", hint=_ESCALATE.splitlines()[0]
        )
    value = _prefixed(escalation, _kind(session, name).escalation_prefix)
    table, here = ("escalation_mappings", service) if service else ("policy_mappings", policy)
    change = session.client.change_connector(
        name, {"custom": {table: {here: value}}}, dry_run=dry_run, force=force
    )
    if told(session, change, same=f"{name} maps {here} to {value} already."):
        session.print.done(
            f"{name} maps {'the service' if service else 'the policy'} {here} to {value}: version {change.version} is in force.",
            f"im connector list-escalations {name}",
        )


def unmap_escalation(
    session: Session,
    name: Name,
    service: Annotated[str, typer.Option("--service", metavar="SERVICE", help="The service here.")] = "",
    policy: Annotated[
        str, typer.Option("--policy", metavar="POLICY", help="Or the escalation policy here.")
    ] = "",
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Take an escalation's mapping away."""
    if bool(service) == bool(policy):
        raise Usage("which service (or --policy)?", hint="--service api")
    table = "escalation_mappings" if service else "policy_mappings"
    _unmap(session, name, table, service or policy, dry_run=dry_run, force=force)


def list_mappings(session: Session, name: Name) -> None:
    """List which service is which at the provider, with the name it has there now."""
    found = session.client.connector_mappings(name)
    if session.print.data(found.raw):
        return
    word = _kind(session, name).service_word
    _table(
        session,
        found,
        [one for one in found.items if one.kind == "service"],
        word,
        f"{word} Name",
        "map-service",
    )


def list_escalations(session: Session, name: Name) -> None:
    """List which escalation policy of the provider pages for what."""
    found = session.client.connector_mappings(name)
    if session.print.data(found.raw):
        return
    rows = [one for one in found.items if one.kind != "service"]
    _table(session, found, rows, "Escalation", "Escalation Name", "map-escalation")


def _table(
    session: Session, found: ConnectorMappings, rows: list[ConnectorMapping], word: str, named: str, verb: str
) -> None:
    columns = (
        Column("IM SERVICE"),
        Column(f"{found.title} {word}".upper()),
        Column(named.upper(), flex=True),
    )
    session.print.rows(
        columns, rows,
        lambda one: [
            f"policy {one.here}" if one.kind == "policy" else one.here,
            one.remote,
            "not found there" if one.there is False else one.remote_name,
        ],
        none=f"{found.connector} maps nothing. Next: im connector {verb} {found.connector} --help",
    )  # fmt: skip
    if found.fault and rows:
        session.print.say(f"Not all names could be asked: {plain(found.fault)}.", "yellow")
    gone = [one for one in rows if one.there is False]
    if gone:
        session.print.say(
            f"{gone[0].remote} is not there any more: pages that go to it are refused and fail over.", "red"
        )


def _unmap(session: Session, name: str, table: str, here: str, *, dry_run: bool, force: bool) -> None:
    change = session.client.change_connector(
        name, {"custom": {table: {here: None}}}, dry_run=dry_run, force=force
    )
    if told(session, change, same=f"{name} has no mapping of {here}."):
        session.print.done(f"{name} maps {here} no longer: version {change.version} is in force.")


def _kind(session: Session, name: str) -> ConnectorType:
    from tocsin.client.connectors import ConnectorType

    kind = session.client.connector(name).type
    return next((one for one in session.client.connector_types().items if one.name == kind), ConnectorType())


def _prefixed(value: str, prefix: str) -> str:
    return value if not prefix or ":" in value else f"{prefix}{value}"
