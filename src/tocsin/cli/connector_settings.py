"""How is a connector added, set, paused and removed?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import Code, Failure, Usage
from tocsin.cli.hub_file import print_diff, refuse, warn
from tocsin.cli.wording import age, plain, rfc3339

if TYPE_CHECKING:
    from tocsin.client.connectors import ConnectorChange, ConnectorSettings

Name = Annotated[str, typer.Argument(metavar="NAME", help="The connector.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the difference; change nothing.")]
Force = Annotated[bool, typer.Option("--force", help="Also when somebody would not be paged any more.")]
Config = Annotated[
    str,
    typer.Option("--config", metavar="JSON", help="Settings as JSON; @FILE reads a file, - the standard input."),
]  # fmt: skip
SEEN = "Warning: {} was on the command line, where the shell's history and other users of this machine find it; use - and the standard input"
_ARGV = (
    "api_key",
    "routing_key",
    "api_token",
    "webhook_token",
    "webhook_header",
    "webhook_secrets",
    "password",
    "smtp_url",
)
"""Keys whose values are worth that warning."""


def add_to(app: typer.Typer) -> None:
    """Register the commands of this file under `im connector`."""
    command(app, "add", example=_ADD)(add)
    command(app, "update", example=_UPDATE)(update)
    command(app, "config", example=_CONFIG)(config)
    command(app, "pause", example="im connector pause prod-pagerduty")(pause)
    command(app, "resume", example="im connector resume prod-pagerduty")(resume)
    command(app, "remove", example="im connector remove old-pagerduty\nim connector remove old-pagerduty --yes    (in a script)")(remove)  # fmt: skip


_ADD = """im connector add pagerduty prod-pagerduty        (asks for what it needs)
im connector add pagerduty prod-pagerduty --config '{"api_key": "…", "sync_direction": "bidirectional",
  "custom": {"service_id": "PXXXXXX", "from_email": "ops@example.com"}}'
im connector add opsgenie eu-opsgenie --config @opsgenie.json"""


def add(
    session: Session,
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="pagerduty, opsgenie, jsm, email …; a wrong one lists all.")
    ],
    name: Annotated[str, typer.Argument(metavar="NAME", help="How it is called here.")],
    given: Config = "",
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Add a connector. Without --config it is asked for what it needs, each answer checked as it is typed.

    The keys of --config are those of the configuration file (connectors.NAME). Credentials are kept encrypted and never
    shown again. The connector is in force at once; what it names at its provider must exist there, unless --force.
    """
    if given:
        settings = settings_of(session, given)
        if settings.pop("type", kind) != kind or settings.pop("name", name) != name:
            raise Usage("--config holds another type or name than the command", hint="leave both out of it")
    elif session.ask:
        from tocsin.cli.connector_prompts import asked

        settings = asked(session, kind, name)
    else:
        raise Usage(
            "--config is missing: nobody can be asked here",
            hint=f"im connector add {plain(kind)} {plain(name)} --config @settings.json",
        )
    change = session.client.add_connector(name, kind, settings, dry_run=dry_run, force=force)
    if not told(session, change):
        return
    direction = settings.get("sync_direction", "outbound")
    session.print.line(f"{name} added ({kind}, {direction}): version {change.version} is in force.")
    if settings.get("enable_webhook", True) and direction != "inbound":
        way_back(session, change, name)
    session.print.say(f"Next: im connector test {name}", "dim")


def way_back(session: Session, change: ConnectorChange, name: str) -> None:
    """Say how what happens there comes back."""
    if change.webhook_url:
        session.print.say(f"Webhooks go to {change.webhook_url}")
    else:
        session.print.say(
            "This hub has no public address (TOCSIN_PUBLIC_URL): what happens there is read back instead."
        )


_UPDATE = """im connector update prod-pagerduty                (asks for the new key)
im connector update prod-pagerduty --api-key - < key.txt
im connector update prod-pagerduty --base-url https://api.eu.pagerduty.com"""


def update(
    session: Session,
    name: Name,
    api_key: Annotated[
        str, typer.Option("--api-key", metavar="KEY", help="The new key; - reads it from the standard input.")
    ] = "",
    base_url: Annotated[str, typer.Option("--base-url", metavar="URL", help="Another address.")] = "",
    region: Annotated[str, typer.Option("--region", metavar="us|eu", help="The provider's region.")] = "",
    given: Config = "",
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Change the credentials or the address of a connector; what is not named stays. Takes effect at once."""
    patch: dict[str, Any] = settings_of(session, given) if given else {}
    if api_key and api_key != "-":
        session.print.say(SEEN.format("the key"), "yellow")
    wanted = {
        "api_key": _secret(session, "API key") if api_key == "-" else api_key,
        "base_url": base_url,
        "region": region,
    }
    patch |= {key: value for key, value in wanted.items() if value}
    if not patch:
        if not session.ask:
            raise Usage("nothing to change", hint="--api-key -, --base-url, --region or --config")
        patch = {"api_key": _secret(session, "New API key")}
    change = session.client.change_connector(name, patch, dry_run=dry_run, force=force)
    if told(session, change):
        what = ", ".join(patch)
        session.print.done(
            f"{name}: {what} changed; version {change.version} is in force.", f"im connector test {name}"
        )


_CONFIG = """im connector config prod-pagerduty                (shows it)
im connector config prod-pagerduty --escalation-policy PXXXXXX
im connector config prod-pagerduty --service-id PGEN001 --sync-direction bidirectional
im connector config prod-pagerduty --sla-mapping '{"SEV-1": {"ack": "15m", "resolve": "1h"}}'
im connector config prod-pagerduty --set custom.sync_notes=false --unset rate_limit"""


def config(
    session: Session,
    name: Name,
    escalation_policy: Annotated[str, typer.Option("--escalation-policy", metavar="ID", help="The one asked when none is mapped.")] = "",
    service_id: Annotated[str, typer.Option("--service-id", metavar="ID", help="The service that takes what is not mapped.")] = "",
    from_email: Annotated[str, typer.Option("--from-email", metavar="ADDRESS", help="The user in whose name the hub acts there.")] = "",
    sla_mapping: Annotated[str, typer.Option("--sla-mapping", metavar="JSON", help="Times by severity; replaces those there are.")] = "",
    sync_direction: Annotated[str, typer.Option("--sync-direction", metavar="WAY", help="bidirectional, outbound or inbound.")] = "",
    sync_interval: Annotated[str, typer.Option("--sync-interval", metavar="SPAN", help="How often it is compared, such as 5m.")] = "",
    put: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any setting by its dotted key; repeated.")] = None,
    drop: Annotated[list[str] | None, typer.Option("--unset", metavar="KEY", help="Take a setting away; repeated.")] = None,
    dry_run: DryRun = False,
    force: Force = False,
) -> None:  # fmt: skip
    """Show how a connector is set, or change that. Of credentials only when they were given is shown."""
    patch: dict[str, Any] = {}
    for key, value in (
        ("custom.escalation_policy_id", escalation_policy), ("custom.service_id", service_id), ("custom.from_email", from_email),
        ("sync_direction", sync_direction), ("sync_interval", sync_interval),
    ):  # fmt: skip
        if value:
            place(patch, key, value)
    if sla_mapping:
        wanted = json_object(sla_mapping, "--sla-mapping")
        patch["sla_mapping"] = _instead(session.client.connector_settings(name), wanted)
    for text in put or []:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise Usage(f"--set {plain(text)} is not KEY=VALUE", hint="--set custom.sync_notes=false")
        if key.rpartition(".")[2] in _ARGV:
            session.print.say(SEEN.format(key), "yellow")
        place(patch, key, _value(value))
    for key in drop or []:
        place(patch, key, None)
    if not patch:
        show(session, session.client.connector_settings(name))
        return
    change = session.client.change_connector(name, patch, dry_run=dry_run, force=force)
    if told(session, change):
        session.print.done(
            f"{name} changed: version {change.version} is in force.", f"im connector config {name}"
        )


def show(session: Session, found: ConnectorSettings) -> None:
    """A connector's settings, a line each."""
    if session.print.data(found.raw):
        return
    exact = session.print.format == "tsv"
    secrets = {one.field: one for one in found.credentials}
    rows: list[tuple[str, object]] = [("name", found.name), ("type", found.type)]
    for key, value in _flat(found.settings):
        if (one := secrets.get(key)) is not None:
            when = rfc3339(one.changed_at) if exact else f"{age(one.changed_at, session.clock())} ago"
            value = f"set, changed {when}" if one.usable else "set, but cannot be opened: give it again"
        rows.append((key, value))
    rows.append(("webhook address", found.webhook_url))
    session.print.fields(rows)
    if found.by_command:
        words = {"made": "It was made by command: a file that is applied leaves it, unless it names it.",
                 "changed": "It was changed by command: the next im apply takes that back."}  # fmt: skip
        session.print.say(words.get(found.by_command, ""), "dim")


def pause(session: Session, name: Name, dry_run: DryRun = False, force: Force = False) -> None:
    """Ask a connector for nothing until it is resumed.

    Pages go to the next target at once; what it is to be told waits and is sent when it is resumed, without what is over by
    then. Refused when nobody would be paged any more, unless --force.
    """
    change = session.client.pause_connector(name, dry_run=dry_run, force=force)
    if told(session, change, same=f"{name} is paused already."):
        session.print.done(
            f"{name} is paused: pages go elsewhere, and what it is to be told waits.",
            f"im connector resume {name}",
        )


def resume(session: Session, name: Name, dry_run: DryRun = False) -> None:
    """Ask a paused connector again."""
    change = session.client.resume_connector(name, dry_run=dry_run)
    if told(session, change, same=f"{name} is not paused."):
        session.print.done(f"{name} is asked again; what waited is sent.", f"im connector status {name}")


def remove(
    session: Session,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRun = False,
    force: Force = False,
) -> None:
    """Remove a connector. Refused while rules, policies or services name it, and while incidents are open at it.

    --force removes it although incidents are open there: whoever answers there is not heard any more. What still names
    it must be changed first; im connector pause keeps everything and asks it for nothing.
    """
    if not (yes or dry_run or session.ask):
        raise Usage("remove asks for the name; nobody can be asked here", hint="add --yes")
    foreseen = session.client.remove_connector(name, dry_run=True)
    if dry_run or (foreseen.refusals and not force):
        told(session, foreseen)
        return
    if not yes:
        warn(session, list(foreseen.warnings))
        session.print.err.write(f"This removes {name} and its credentials. Type its name to go on: ")
        session.print.err.flush()
        if session.stdin.readline().strip() != name:
            raise Failure("nothing was changed")
    change = session.client.remove_connector(name, force=force)
    if told(session, change):
        session.print.done(f"{name} removed: version {change.version} is in force.", "im connector list")


# ---- what these share ------------------------------------------------------------------------------------


def told(session: Session, change: ConnectorChange, *, same: str = "") -> bool:
    """Print what a change did besides, whole for a dry run; whether there is more to say. Exits with 5 when a dry run
    shows that it would be refused."""
    if session.print.data(change.raw):
        if change.dry_run and change.refusals:
            raise typer.Exit(Code.CONFLICT)
        return False
    if change.dry_run:
        print_diff(session, change.diff)
    warn(session, list(change.warnings))
    refuse(session, change.refusals, file="", text="")
    if change.dry_run and change.refusals:
        raise typer.Exit(Code.CONFLICT)
    if not change.changed and not change.dry_run:
        return _unchanged(session, change, same)
    if change.dry_run:
        session.print.say("Nothing was changed." if change.changed else "That changes nothing.", "dim")
    return not change.dry_run


def _unchanged(session: Session, change: ConnectorChange, same: str) -> bool:
    if same:
        session.print.line(same)
    # a credential is in no version: with it alone the version stays
    return not same


def settings_of(session: Session, given: str) -> dict[str, Any]:
    """What --config says: JSON, @FILE or - for the standard input."""
    if given == "-":
        text, place_of = session.stdin.read(), "the standard input"
    elif given.startswith("@"):
        place_of = given[1:]
        try:
            text = Path(place_of).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Failure(f"cannot read {place_of}: {getattr(error, 'strerror', None) or error}") from error
    else:
        text, place_of = given, "--config"
    found = json_object(text, place_of)
    if place_of == "--config" and any(key.rpartition(".")[2] in _ARGV for key, _ in _flat(found)):
        session.print.say(SEEN.format("a credential") + " or a file (--config @FILE)", "yellow")
    return found


def json_object(text: str, of: str) -> dict[str, Any]:
    """A JSON object; raises Usage that shows where it is broken."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        line = text.splitlines()[error.lineno - 1] if text.strip() else ""
        shown = (
            f"\n  {line}\n  {' ' * (error.colno - 1)}^"
            if line and len(line) < 120 and not _tells(line)
            else ""
        )
        raise Usage(
            f"{of} is no JSON: {error.msg} at line {error.lineno}, column {error.colno}{shown}"
        ) from None
    except ValueError as error:
        raise Usage(f"{of}: {error}") from None
    if not isinstance(found, dict):
        raise Usage(f'{of} must be a JSON object, {{"key": value}}')
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for key, _ in pairs:
        if sum(other == key for other, _ in pairs) > 1:
            raise ValueError(f'the key "{key}" stands there twice')
    return dict(pairs)


def _tells(line: str) -> bool:
    """True when a line may hold a credential: it is not repeated."""
    return any(key in line for key in _ARGV)


def _secret(session: Session, label: str) -> str:
    """A credential from the terminal, unseen, or from the standard input."""
    if session.ask:
        from tocsin.cli.connector_prompts import hidden

        value = hidden(session, f"{label}: ")
    else:
        value = session.stdin.read().strip()
    if not value:
        raise Usage(f"no {label[:1].lower()}{label[1:]} was given")
    return value


def place(patch: dict[str, Any], key: str, value: object) -> None:
    """Put a value at a dotted key."""
    *ways, last = key.split(".")
    at = patch
    for way in ways:
        at = at.setdefault(way, {})
        if not isinstance(at, dict):
            raise Usage(f"{plain(key)} lies below a value that is set as well")
    at[last] = value


def _value(text: str) -> object:
    """What a text after = means: JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _instead(found: ConnectorSettings, wanted: dict[str, Any]) -> dict[str, Any]:
    """A merge patch that leaves exactly `wanted`."""
    present = found.settings.get("sla_mapping")
    gone = [key for key in present if key not in wanted] if isinstance(present, dict) else []
    return {**dict.fromkeys(gone), **wanted}


def _flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, object]]:
    """(dotted key, value) of every setting; a list of plain values is one."""
    rows: list[tuple[str, object]] = []
    for key, value in settings.items():
        path = f"{before}{key}"
        if isinstance(value, dict):
            rows += _flat(value, f"{path}.")
        elif isinstance(value, list) and any(one is None for one in value):
            rows += [(f"{path}.{index}", one) for index, one in enumerate(value)]
        elif isinstance(value, list):
            rows.append((path, ", ".join(str(one) for one in value)))
        else:
            rows.append((path, str(value).lower() if isinstance(value, bool) else value))
    return rows
