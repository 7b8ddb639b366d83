"""How does a route become a plan: who can be asked, and by which way (S4, RO-7)?"""

from datetime import timedelta

import pytest

from tocsin.core.plan import Way, plan_for, with_channels
from tocsin.core.policy import Defaults, Mode, Step, Target, TargetKind, Team, User

from .values import T0, at, connectors, policy, step

ALL, FAILOVER = Mode.ALL, Mode.FAILOVER

PEOPLE = policy(
    teams={
        "ops": Team(name="ops", members=("ada", "bob"), lead="ada"),
        "crew": Team(name="crew", members=("bob", "cy")),
    },
    users={
        "ada": User(id="ada", name="Ada", email="ada@x"),
        "bob": User(id="bob", name="Bob", email="bob@x"),
        "cy": User(id="cy", name="Cy"),
    },
    defaults=Defaults(last_resort=("sms",)),
)


@pytest.mark.parametrize(
    ("target", "mailer", "addresses", "told"),
    [
        pytest.param(Target(TargetKind.CONNECTOR, "pd"), "", [""], 0, id="a connector is a way by itself"),
        pytest.param(Target(TargetKind.USER, "bob"), "mail", ["bob@x"], 0, id="a user is asked by mail"),
        pytest.param(Target(TargetKind.TEAM, "ops"), "mail", ["ada@x", "bob@x"], 0, id="a team is all its members"),
        pytest.param(Target(TargetKind.TEAM, "crew"), "mail", ["bob@x"], 0, id="a member without an address is left out, the others are asked"),
        pytest.param(Target(TargetKind.LEAD), "mail", ["ada@x"], 0, id="lead is the lead of the alert's team"),
        pytest.param(Target(TargetKind.ONCALL), "mail", ["ada@x"], 0, id="on call is the lead until schedules come"),
        pytest.param(Target(TargetKind.ONCALL, "crew"), "mail", ["bob@x"], 0, id="without a lead the first member answers"),
        pytest.param(Target(TargetKind.USER, "cy"), "mail", [], 1, id="nobody with an address: left out and told"),
        pytest.param(Target(TargetKind.USER, "nobody"), "mail", [], 1, id="an unknown user: left out and told"),
        pytest.param(Target(TargetKind.TEAM, "gone"), "mail", [], 1, id="an unknown team: left out and told"),
        pytest.param(Target(TargetKind.USER, "bob"), "", [], 1, id="no e-mail connector: left out and told"),
    ],
)  # fmt: skip
def test_how_a_target_can_be_asked(target: Target, mailer: str, addresses: list[str], told: int) -> None:
    planned, lines = plan_for(
        [Step(mode=ALL, targets=(target,))], PEOPLE, team="ops", now=T0, delay=None, mailer=mailer
    )
    assert [way.recipient for way in planned.steps[0].ways] == addresses
    assert len(lines) == told
    assert (planned.started_at, planned.hold_until, planned.last_resort) == (T0, None, (Way("sms"),))


def test_a_delay_rule_holds_the_plan() -> None:
    planned, _ = plan_for([step(ALL, "pd")], PEOPLE, team="", now=T0, delay=timedelta(minutes=2), mailer="")
    assert planned.hold_until == at(minutes=2)


@pytest.mark.parametrize(
    ("written", "channels", "after"),
    [
        pytest.param([step(ALL, "pd")], ["slack"], [(ALL, ["pd", "slack"])], id="a step that asks all asks the channel too"),
        pytest.param([step(ALL, "pd")], ["pd"], [(ALL, ["pd"])], id="once, when it is a target already"),
        pytest.param([step(FAILOVER, "pd", "og"), step(ALL, "sms")], ["slack"], [(FAILOVER, ["pd", "og"]), (ALL, ["slack"]), (ALL, ["sms"])], id="beside a failover it is asked at the same time, not when all else failed"),
        pytest.param([], ["slack"], [(ALL, ["slack"])], id="a route without steps asks the channel"),
        pytest.param([step(ALL, "pd")], [], [(ALL, ["pd"])], id="without channels nothing changes"),
    ],
)  # fmt: skip
def test_channels_are_asked_besides(
    written: list[Step], channels: list[str], after: list[tuple[Mode, list[str]]]
) -> None:
    found = with_channels(written, connectors(*channels))
    assert [(s.mode, [t.name for t in s.targets]) for s in found] == after
