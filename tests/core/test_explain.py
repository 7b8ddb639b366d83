"""What would have made it otherwise? Every answer is tried by deciding again (RO-9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tocsin.core.explain import Asked, not_taken, outcome, stopped_by, timing, would_page_if
from tocsin.core.policy import (
    ClassificationRule,
    GroupingRule,
    Mode,
    MuteKind,
    RouteKind,
    RoutingRule,
    Service,
    Step,
    Team,
    TimedMute,
)
from tocsin.core.severity import Severity
from tocsin.core.values import replace

from .values import ALWAYS, FAILS, NEVER, T0, C, H, L, M, SeverityIs, alert, at, page_rule, policy, step


class Of:
    """A condition: its leading service is this one."""

    def __init__(self, name: str) -> None:
        self.name, self.text = name, f'service.name == "{name}"'

    def holds(self, facts: Any) -> bool:
        return bool(facts["service"]["name"] == self.name)


class TeamIs:
    """A condition: its team is this one."""

    def __init__(self, name: str) -> None:
        self.name, self.text = name, f'team == "{name}"'

    def holds(self, facts: Any) -> bool:
        return bool(facts["team"] == self.name)


class Weekday:
    """A condition: the day is this one."""

    def __init__(self, name: str) -> None:
        self.name, self.text = name, f'weekday == "{name}"'

    def holds(self, facts: Any) -> bool:
        return bool(facts["weekday"] == self.name)


def service(name: str, **more: Any) -> Service:
    return Service(name=name, **more)


def quiet_rule(name: str, when: Any, kind: RouteKind = RouteKind.SUPPRESS) -> RoutingRule:
    return RoutingRule(name=name, when=when, kind=kind)


DEFAULT = page_rule("default", default=True)
SERVICES = {"web": service("web", depends_on=("db",)), "db": service("db"), "toy": service("toy")}


def asked(
    *rules: RoutingRule, severity: Severity = H, mutes: tuple[TimedMute, ...] = (), **more: Any
) -> Asked:
    given: dict[str, Any] = {"services": ("web",), "sender_severity": severity}
    settings = {"routing": (*rules, DEFAULT), "services": SERVICES, **more}
    return Asked(alert=alert(**given), integration=None, policy=policy(**settings), at=T0, mutes=mutes)


def window(name: str = "backup", **more: Any) -> TimedMute:
    given = {"start": T0 - timedelta(hours=1), "end": T0 + timedelta(hours=2), "when": ALWAYS, **more}
    return TimedMute(kind=MuteKind.MAINTENANCE, name=name, owner="ada", comment="why", **given)


def stopped(question: Asked) -> str:
    return "\n".join(stopped_by(question, outcome(question, explain=True)))


def page_if(question: Asked) -> str:
    return "\n".join(would_page_if(question, outcome(question, explain=True)))


@pytest.mark.parametrize(
    ("question", "told"),
    [
        pytest.param(asked(quiet_rule("low ones", SeverityIs(L))), "severity low instead of high: rule “low ones” would have suppressed it", id="a lower severity"),
        pytest.param(asked(quiet_rule("saturdays", Weekday("sat"))), "another hour, such as Sat 21 Nov 00:00 UTC: rule “saturdays” would have suppressed it", id="another hour"),
        pytest.param(asked(mutes=(window(start=at(hours=5), end=at(hours=6)),)), "another hour, such as Wed 18 Nov 15:00 UTC: maintenance window “backup” would have muted it", id="an hour of a window"),
        pytest.param(asked(), "a silence that covers it: im silence add service=web", id="a silence"),
        pytest.param(asked(), "db, on which web depends, being down and paged at high or worse", id="its parent down"),
        pytest.param(asked(), "flapping: its 3. beginning within 1h", id="flapping"),
        pytest.param(asked(quiet_rule("toys", Of("toy"))), "service toy instead of web: rule “toys” would have suppressed it", id="another service"),
        pytest.param(asked(quiet_rule("labs", TeamIs("labs")), teams={"labs": Team(name="labs")}), "team labs instead of none: rule “labs” would have suppressed it", id="another team"),
        pytest.param(asked(page_rule("loud", SeverityIs(H)), quiet_rule("rest", ALWAYS)), "without rule “loud”: rule “rest” would have suppressed it", id="without the rule that took it"),
        pytest.param(asked(replace(page_rule("loud", SeverityIs(H)), delay=timedelta(minutes=5))), "a resolve within 5m", id="a resolve in time"),
    ],
)  # fmt: skip
def test_what_would_have_stopped_a_page(question: Asked, told: str) -> None:
    assert told in stopped(question)


def test_nothing_is_claimed_that_deciding_again_does_not_show() -> None:
    """No rule keeps anything quiet and nothing depends on anything: only a silence and its flapping can."""
    told = stopped(asked(services={}, teams={})).splitlines()

    assert [line.split(":")[0] for line in told] == ["a silence that covers it", "flapping"]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        pytest.param(asked(quiet_rule("low ones", SeverityIs(L)), severity=L), "severity medium instead of low: rule “default” would have paged through default", id="a higher severity"),
        pytest.param(asked(mutes=(window(),)), "without maintenance window “backup”, from Wed 18 Nov 12:00 UTC: rule “default” would have paged", id="the end of the window"),
        pytest.param(asked(mutes=(window(),)), "another hour, such as Wed 18 Nov 12:00 UTC: rule “default” would have paged", id="another hour"),
        pytest.param(asked(quiet_rule("web is quiet", Of("web"), RouteKind.DIGEST)), "service db, toy instead of web: rule “default” would have paged", id="another service"),
        pytest.param(asked(quiet_rule("web is quiet", Of("web"))), "without rule “web is quiet”: rule “default” would have paged", id="without the rule that keeps it quiet"),
    ],
)  # fmt: skip
def test_what_would_make_a_quiet_one_page(question: Asked, told: str) -> None:
    assert told in page_if(question)
    assert stopped(question) == ""


def test_what_pages_needs_nothing_to_page() -> None:
    assert page_if(asked()) == ""


class Found:
    """A pattern that is nowhere."""

    text = "never"

    def found_in(self, text: str) -> bool:
        return False


def test_every_rule_that_did_not_speak_is_named_with_its_clause() -> None:
    question = asked(
        quiet_rule("toys", Of("toy")),
        classification=(
            ClassificationRule(name="lift toys", when=Of("toy"), set_severity=C),
            ClassificationRule(name="patterns", when=ALWAYS, patterns=(Found(),), set_severity=C),
        ),
        grouping=(
            GroupingRule(name="broken", when=FAILS),
            GroupingRule(name="toys together", when=Of("toy")),
            GroupingRule(name="all", when=ALWAYS),
            GroupingRule(name="later", when=NEVER),
        ),
        mutes=(
            window("tomorrow", start=at(hours=20), end=at(hours=21)),
            window("toys", when=Of("toy")),
            window("not these", except_severities=frozenset({H})),
        ),
    )
    found = {(n.kind, n.rule): n.why for n in not_taken(question, outcome(question, explain=True))}

    assert found == {
        ("classification", "lift toys"): 'service.name == "toy" does not hold',
        ("classification", "patterns"): "none of its patterns is found",
        ("mute", "maintenance window “tomorrow”"): "it is not its time",
        ("mute", "maintenance window “toys”"): 'service.name == "toy" does not hold',
        ("mute", "maintenance window “not these”"): "it leaves high alone",
        ("routing", "toys"): 'service.name == "toy" does not hold',
        ("grouping", "broken"): "fixed failed: no such overload",
        ("grouping", "toys together"): 'service.name == "toy" does not hold',
    }


def test_why_now() -> None:
    """Delay, fail-over, hedge and the next step, each with its time; a muted one with its end."""
    steps: tuple[Step, ...] = (
        replace(step(Mode.FAILOVER, "pd", "og"), hedge=timedelta(seconds=30)),
        step(Mode.FAILOVER, "pd", after=timedelta(minutes=5)),
    )
    base = policy()
    policies = {**base.policies, "loud": replace(base.policies["loud"], steps=steps)}
    loud = replace(page_rule("loud", SeverityIs(C)), delay=timedelta(minutes=2))
    question = asked(loud, severity=C, policies=policies)
    muted = replace(question, mutes=(window(),))

    assert list(timing(outcome(question))) == [
        "2m after it is decided: a rule delays it",
        "step 1: the next target when one has not created it within 3s",
        "step 1: the next target too when nobody was notified within 30s",
        "step 2 when nobody has acknowledged 5m after step 1",
    ]
    assert list(timing(outcome(muted))) == [
        "quiet until Wed 18 Nov 12:00 UTC; what still fires then is routed as new"
    ]
    assert next(timing(outcome(asked(severity=M)))) == "at once: no rule delays it"
