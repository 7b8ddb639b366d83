"""Do a connector's webhooks come? Set up, tried and exchanged at its provider, and seen to arrive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.command import Session, command
from tocsin.cli.failures import CheckFailed, Usage
from tocsin.cli.printing import Column
from tocsin.cli.signs import sign
from tocsin.cli.wording import age, rfc3339

if TYPE_CHECKING:
    from tocsin.client.trials import Webhook, WebhookSubscription

_EVERY, _SAID_EVERY = 0.25, 5.0
"""Seconds between two looks; between two lines where nothing can be drawn over."""

_NAME = Annotated[str, typer.Argument(metavar="NAME", help="The connector.")]


def add_to(app: typer.Typer) -> None:
    """Register the command under `im connector`."""
    command(app, "webhook", example="im connector webhook prod-pagerduty --enable")(webhook)


def webhook(
    session: Session,
    name: _NAME,
    enable: Annotated[
        bool, typer.Option("--enable", help="Have the provider send here, and see that it arrives.")
    ] = False,
    disable: Annotated[bool, typer.Option("--disable", help="Take away what sends here.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Ask for a test delivery and wait for it.")] = False,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="A new secret; the old one goes once something came by the new.")
    ] = False,
    service: Annotated[
        str,
        typer.Option("--service", metavar="ID", help="With --enable: this service of the provider alone."),
    ] = "",
    wait: Annotated[
        float,
        typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for the test delivery."),
    ] = 30.0,
) -> None:
    """Set a connector's webhooks up; without an option show how they stand.

    Exit code 8 when the test delivery does not arrive: until webhooks come, incidents are read back.
    """
    asked = [
        word
        for word, on in (("enable", enable), ("disable", disable), ("test", test), ("rotate", rotate))
        if on
    ]
    if len(asked) > 1:
        raise Usage(f"--{asked[0]} and --{asked[1]} exclude each other")
    if service and asked not in (["enable"], ["rotate"]):
        raise Usage("--service goes with --enable or --rotate")
    if not asked:
        _show(session, session.client.webhook(name))
        return
    if not session.print.structured and asked[0] in ("enable", "rotate"):
        before = session.client.webhook(name, ask=False)
        if before.address and before.wanted:
            session.print.line(f"Webhook URL will be: {before.address}")
    done = session.client.change_webhook(name, asked[0], scope=service)
    if not session.print.structured:
        for words in done.said:
            session.print.line(words[:1].upper() + words[1:])
        _show_steps(session, done)
    if asked[0] == "disable":
        session.print.data(done.raw)
        if not session.print.structured:
            session.print.say("Incidents are read back from now on.", "dim")
        return
    _await_delivery(session, done, wait, test=test)


def _show_steps(session: Session, done: Webhook) -> None:
    if not done.steps:
        return
    session.print.line("The provider cannot be told by us. By hand:")
    for number, step in enumerate(done.steps, 1):
        session.print.hanging([(f"{number}. ", "dim"), (step, "")], 3)


def _await_delivery(session: Session, done: Webhook, seconds: float, *, test: bool) -> None:
    """Until a genuine delivery more has come; says what is missing when none does."""
    if not done.pinged:
        session.print.data(done.raw)
        session.print.say("Nothing is set up by us, so no test delivery can be asked for.")
        session.print.say(
            f"Next: im canary {done.connector}; then im connector webhook {done.connector}", "dim"
        )
        return
    if not done.asked:
        if not test:  # a canary is a page, if a low one: somebody must have asked for it
            session.print.data(done.raw)
            session.print.say(
                f"Next: im connector webhook {done.connector} --test sends a canary through it", "dim"
            )
            return
        session.client.canary([done.connector])
        session.print.say("This provider sends no test delivery: a canary is under way in its place", "dim")
    began = said = time.monotonic()
    found = done
    while True:
        found = session.client.webhook(done.connector, ask=False)
        heard, wrong = _heard(found, done.pinged)
        took = time.monotonic() - began
        if heard > done.before:
            break
        if took >= seconds:
            raise CheckFailed(_nothing(done, seconds, wrong), hint=_next(done, wrong))
        if time.monotonic() - said >= _SAID_EVERY:
            said = time.monotonic()
            session.print.say(
                f"Waiting for a delivery by {done.pinged}: {took:.0f} s of {seconds:.0f} s", "dim"
            )
        time.sleep(_EVERY)
    if not session.print.data(found.raw):
        mark, style = sign(session.print, "ok")
        now = next((one.id for one in found.subscriptions if not one.leaving), done.pinged)
        if now != done.pinged:
            session.print.line(f"Nobody knows the secret of {done.pinged}: {now} took its place")
        session.print.hanging(
            [(f"{mark} ", style), (f"A delivery arrived after {took:.1f} s: webhooks work", "")], 2
        )


def _heard(found: Webhook, subscription: str) -> tuple[int, int]:
    """Genuine deliveries by that subscription, or by one that took its place; and those with a wrong signature."""
    mine = next((one for one in found.subscriptions if one.id == subscription), None)
    if mine is not None and not mine.leaving:
        return mine.deliveries, mine.wrong
    instead = [one.deliveries for one in found.subscriptions if not one.leaving]
    return max(instead, default=0), 0


def _nothing(done: Webhook, seconds: float, wrong: int) -> str:
    if wrong:
        return f"Deliveries by {done.pinged} arrive, but their signature fits no secret that is known here"
    return f"No delivery arrived within {seconds:.0f} s; until one does, incidents are read back"


def _next(done: Webhook, wrong: int) -> str:
    if wrong:
        return f"im connector webhook {done.connector} --rotate makes another, whose secret is kept"
    return f"is {done.address} reachable from outside, with a certificate that everybody trusts? then --test again"


_COLUMNS = (
    Column("SUBSCRIPTION"),
    Column("STATE"),
    Column("SECRET"),
    Column("DELIVERIES", right=True),
    Column("LAST", right=True),
    Column("WRONG", right=True, wide=True),
    Column("LACKS", flex=True),
)


def _show(session: Session, found: Webhook) -> None:
    """How they stand."""
    if session.print.data(found.raw):
        return
    if session.print.format == "tsv":
        session.print.rows(
            _COLUMNS, found.subscriptions, lambda one: _row(one, session), none="No subscription"
        )
        return
    heard = f"{age(found.heard_at, session.clock())} ago" if found.heard_at else "never"
    session.print.fields(
        [
            ("Connector", found.connector),
            ("Webhook URL", found.address or "none: TOCSIN_PUBLIC_URL is not set"),
            ("Synchronised by", session.client.connector(found.connector).sync),
            ("Last webhook", heard),
            ("Not asked", found.fault),
            ("Elsewhere", ", ".join(found.elsewhere)),
        ]
    )
    if found.subscriptions:
        session.print.line()
        session.print.rows(_COLUMNS, found.subscriptions, lambda one: _row(one, session), none="")
    elif found.address and found.wanted:
        session.print.say(f"Next: im connector webhook {found.connector} --enable", "dim")


def _row(one: WebhookSubscription, session: Session) -> list[object]:
    exact = session.print.format == "tsv"
    state = "leaving" if one.leaving else one.off or ("gone there" if one.there is False else "on")
    last = (
        rfc3339(one.heard_at)
        if exact
        else f"{age(one.heard_at, session.clock())} ago"
        if one.heard_at
        else "never"
    )
    return [one.id, state, one.secret, one.deliveries, last, one.wrong, ", ".join(one.lacks)]
