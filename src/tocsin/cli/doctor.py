"""Will it work tonight? One line for each thing that must hold, with the next step for each that does not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import CheckFailed, next_step
from tocsin.cli.places import is_loopback
from tocsin.cli.wording import age, plain

if TYPE_CHECKING:
    from tocsin.client.access import Who
    from tocsin.client.shapes import Config, Connector, Ready
    from tocsin.client.states import Canary

app = typer.Typer()

GOOD, BAD, WARN = "ok", "failed", "warning"
_MARKS = {GOOD: ("✓", "green"), BAD: ("✗", "bold red"), WARN: ("!", "yellow")}
SKEW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `state` is ok, failed or warning; `step` is what to do next, "" when nothing."""

    name: str
    state: str
    text: str
    step: str = ""


@command(app, "doctor", example="im doctor")
def doctor(session: Session) -> None:
    """Check everything that must work before the night.

    Exit code 8 when anything failed; warnings alone are 0.
    """
    checks: list[Check] = []
    live = session.print.format in ("table", "wide")
    if session.print.format == "tsv":
        session.print.line("CHECK\tSTATE\tTEXT\tNEXT")
    for check in _checks(session):
        checks.append(check)
        if live:
            _show(session, check)
        elif not session.print.structured:
            cells = (check.name, check.state, check.text, check.step)
            session.print.line("\t".join(plain(cell) for cell in cells))
    session.print.data(
        {"checks": [{"name": c.name, "state": c.state, "text": c.text, "next": c.step} for c in checks]}
    )
    failed = sum(check.state == BAD for check in checks)
    warned = sum(check.state == WARN for check in checks)
    if failed:
        raise CheckFailed(f"{_count(failed, 'check')} failed, {_count(warned, 'warning')}")
    if live:
        session.print.say(f"Nothing failed, {_count(warned, 'warning')}.")


def _count(number: int, word: str) -> str:
    return f"{number or 'no'} {word}{'' if number == 1 else 's'}"


def _show(session: Session, check: Check) -> None:
    mark, style = _MARKS[check.state]
    step = f"  -> {plain(check.step)}" if check.step else ""
    pieces = [(f"{mark} ", style), (f"{check.name:<14}  ", ""), (plain(check.text), ""), (step, "dim")]
    session.print.hanging(pieces, 18)
    session.print.out.flush()


def _checks(session: Session) -> Iterator[Check]:
    from tocsin.client.errors import ClientError

    started = time.monotonic()
    before = session.clock()
    try:
        answer = session.client.call("GET", "/healthz")
    except ClientError as error:
        yield Check("server", BAD, str(error), next_step(error, session.places.url))
        yield from _local(session)
        return
    took = (time.monotonic() - started) * 1000
    yield Check("server", GOOD, f"{session.client.url} answers in {took:.0f} ms")
    yield _skew(answer.headers.get("date", ""), before, session.clock())
    who: Who | None = None
    try:
        who = session.client.whoami()
        yield _who(who, session)
    except ClientError as error:
        yield Check("token", BAD, str(error), next_step(error, session.places.url))
    for part in (_ready, _house, _connectors, _configuration):
        try:
            yield from part(session, who)
        except ClientError as error:
            yield Check(part.__name__.strip("_"), BAD, str(error), next_step(error, session.places.url))
    yield from _local(session)


def _skew(date: str, before: datetime, after: datetime) -> Check:
    """The Date header has whole seconds, so half a second is added; it lies somewhere between before and after."""
    try:
        there = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return Check(
            "clock", WARN, "the server did not say what time it is", "compare the clocks yourself: date -u"
        )
    there = there if there.tzinfo else there.replace(tzinfo=UTC)
    skew = (there - before).total_seconds() + 0.5 - (after - before).total_seconds() / 2
    if abs(skew) <= SKEW_SECONDS:
        return Check("clock", GOOD, f"the server's clock and this one agree within {SKEW_SECONDS:g} s")
    word = "ahead of" if skew > 0 else "behind"
    return Check("clock", WARN, f"the server's clock is {abs(skew):.0f} s {word} this one", "set both by NTP")


def _who(who: Who, session: Session) -> Check:
    if who.demo:
        return Check(
            "token", WARN, "demo mode: callers from this machine need no token", "im serve for real use"
        )
    if not is_loopback(session.client.url) and session.client.url.startswith("http://"):
        return Check("token", WARN, f"{who.name}, but the token travels unencrypted", "use https")
    return Check("token", GOOD, f"{who.name}, {who.role or 'may ' + (', '.join(who.scopes) or 'nothing')}")


_STEPS = {
    "database": "is PostgreSQL up? the server's log names the error; DATABASE_URL says where it is",
    "worker": "start one: im serve --role worker, or im serve for all of it",
    "intake": "the server's log names the error; is the disk full?",
}


def _ready(session: Session, who: Who | None) -> Iterator[Check]:
    found = session.client.ready()
    names = ("database", "worker", *(name for name in found.checks if name not in ("database", "worker")))
    for name in names:
        if name not in found.checks:
            yield Check(name, GOOD if found.ready else WARN, "ready" if found.ready else "not reported")
            continue
        good, text = _verdict(found.checks[name])
        yield Check(
            name, GOOD if good else BAD, text, "" if good else _STEPS.get(name, "see the server's log")
        )
    yield from _reasons(found)


def _reasons(found: Ready) -> Iterator[Check]:
    """Why pages wait although the hub is ready."""
    for reason in found.reasons:
        yield Check(
            str(reason.get("name", "")), BAD, str(reason.get("text", "")), str(reason.get("next", ""))
        )


def _verdict(value: Any) -> tuple[bool, str]:
    """Read one readiness check: true, "ok", or {"ok"|"healthy"|"ready": bool, "text"|"detail"|"error": str}."""
    if isinstance(value, dict):
        good = next((bool(value[key]) for key in ("ok", "healthy", "ready") if key in value), False)
        words = next((str(value[key]) for key in ("text", "detail", "error") if value.get(key)), "")
        return good, words or ("up" if good else "down")
    if isinstance(value, bool):
        return value, "up" if value else "down"
    return str(value).lower() in ("ok", "up", "ready", "healthy"), str(value)


def _house(session: Session, who: Who | None) -> Iterator[Check]:
    """What the hub says of itself."""
    health = session.client.health()
    now = session.clock()
    for alarm in health.alarms:
        state = BAD if alarm.severity in ("critical", "high") else WARN
        since = f" (raised {age(alarm.raised_at, now)} ago)" if alarm.raised_at else ""
        yield Check(
            "alarm",
            state,
            f"{alarm.title}{since}",
            f"im show {alarm.incident}" if alarm.incident else "im alarms",
        )
    if not health.alarms:
        yield Check("alarms", GOOD, "none goes on")
    yield _sung(health.canary, now)
    silent = [node.name for node in health.nodes if not node.up]
    if health.nodes and not silent:
        yield Check("nodes", GOOD, f"{_count(len(health.nodes), 'node')} up")
    elif silent:
        yield Check("nodes", WARN, f"silent: {', '.join(silent)}", "look at its machine, and start it again")


def _sung(canary: Canary | None, now: datetime) -> Check:
    if canary is None:
        return Check(
            "canary", WARN, "none was sent yet: nobody knows whether a page gets through", "im canary"
        )
    when = f"{age(canary.started_at, now)} ago" if canary.started_at else ""
    missing = [one.connector for one in canary.results if not one.created]
    if missing:
        return Check(
            "canary", BAD, f"{when}, not created at {', '.join(missing)}", f"im connector status {missing[0]}"
        )
    if canary.ended_at is None:
        return Check("canary", WARN, f"under way since {when}", "look again in two minutes")
    return Check("canary", GOOD, f"{when}, created at {', '.join(canary.connectors)}")


def _connectors(session: Session, who: Who | None) -> Iterator[Check]:
    found = session.client.connectors().items
    if not found:
        yield Check(
            "connectors",
            WARN,
            "none: nobody can be paged",
            "add one under connectors: and im apply -f hub.yaml",
        )
    for one in found:
        yield _connector(one, session.clock())
        yield from _setup(one, session)
    hooked = [one for one in found if one.enabled and one.sync == "webhook"]
    unproven = [one.name for one in hooked if one.last_webhook_at is None]
    if unproven:
        yield Check(
            "webhooks", WARN, f"none came yet from {', '.join(unproven)}",
            "acknowledge an incident there and look again; the address must be reachable from outside",
        )  # fmt: skip
    elif hooked:
        yield Check("webhooks", GOOD, f"have come from {', '.join(one.name for one in hooked)}")
    if who is not None and not who.public_url:
        yield Check(
            "public URL", WARN, "none: providers are polled instead of telling us", "set TOCSIN_PUBLIC_URL"
        )
    elif who is not None:
        yield Check("public URL", GOOD, who.public_url)


def _setup(one: Connector, session: Session) -> Iterator[Check]:
    """What its provider shows of it; nothing where it cannot be asked, or this token may not."""
    from tocsin.client import ClientError

    try:
        checked = session.client.check(one.name)
    except ClientError:
        return
    if checked.fault:
        yield Check(one.name, BAD, checked.fault, f"im connector status {one.name}")
    for missing in checked.gone:
        yield Check(one.name, BAD, missing, "mend the mapping, and im apply -f hub.yaml")
    for warning in checked.warnings:
        what, _, step = warning.rpartition("; ")
        yield Check(one.name, WARN, what or warning, step if what else "")


def _connector(one: Connector, now: datetime) -> Check:
    state = one.breaker.state if one.breaker else ""
    waiting = f", {one.queue} waiting" if one.queue else ""
    if not one.enabled:
        return Check(
            one.name, WARN, f"paused: pages go elsewhere{waiting}", f"im connector resume {one.name}"
        )
    if state == "open":
        since = f" for {age(one.breaker.opened_at, now)}" if one.breaker and one.breaker.opened_at else ""
        return Check(
            one.name, BAD, f"breaker open{since}: {one.last_error or 'calls fail'}{waiting}",
            f"im connector status {one.name}",
        )  # fmt: skip
    if state == "half_open":
        return Check(
            one.name, WARN, f"breaker half open, probing{waiting}", f"im connector status {one.name}"
        )
    if one.last_success_at is None:
        return Check(one.name, WARN, f"has never succeeded{waiting}", "send a test: im declare --sev SEV-4 …")
    return Check(one.name, GOOD, f"last success {age(one.last_success_at, now)} ago{waiting}")


def _configuration(session: Session, who: Who | None) -> Iterator[Check]:
    from tocsin.cli.hub_file import warning_text

    config = session.client.config()
    if not config.version:
        yield Check("configuration", WARN, "none is applied", "im apply -f hub.yaml")
        return
    if refused := config.refused_file:
        yield Check(
            "configuration", BAD, f"refused at the start, version {config.version} stays in force: {refused.get('message', '')}",
            f"mend {refused.get('file', 'the file')}, then im apply -f it; --force if it is meant",
        )  # fmt: skip
    else:
        yield Check("configuration", GOOD, f"version {config.version}")
    for warning in _lint(session, config):
        yield Check("configuration", WARN, warning_text(warning), "im diff -f hub.yaml shows its place")


def _lint(session: Session, config: Config) -> list[Any]:
    """The warnings that stand with the configuration, else those of comparing it with itself."""
    from tocsin.cli.hub_file import named_variables
    from tocsin.client.errors import BadInput

    if config.warnings is not None or not isinstance(config.document, str):
        return config.warnings or []
    variables = named_variables(config.document, os.environ)
    try:
        return session.client.config_diff(config.document, variables, "the configuration in force").warnings
    except BadInput:  # its variables are known to the server and not here, so it cannot be read here
        return []


def _local(session: Session) -> Iterator[Check]:
    from tocsin.cli.spool import Spool

    try:
        waiting = Spool(session.places.spool).count()
    except OSError as error:
        yield Check("spool", BAD, f"cannot be used: {error}", f"ls -ld {session.places.spool}")
        waiting = 0
    if waiting:
        yield Check("spool", WARN, f"{_count(waiting, 'sending')} not delivered yet", "im send --flush")
    token = session.places.data / "admin-token"
    try:
        mode = os.stat(token).st_mode & 0o077
    except OSError:
        return
    if mode:
        yield Check("admin token", BAD, f"others can read {token}", f"chmod 600 {token}")
