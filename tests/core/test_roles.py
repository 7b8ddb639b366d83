"""Four roles, and teams (TR-5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.core.roles import NEEDS, Role, above, covers, may, role_named
from tocsin.core.throttle import Throttle

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)


@pytest.mark.parametrize("needed", ["", *NEEDS])
def test_each_role_may_all_that_those_before_it_may(needed: str) -> None:
    allowed = [may(role, (), needed) for role in Role]

    assert allowed == sorted(allowed)
    assert allowed[-1]


@pytest.mark.parametrize(
    ("mine", "theirs", "may_act"),
    [
        pytest.param((), ["payments"], True, id="for all teams"),
        pytest.param(("payments",), ["payments"], True, id="their own"),
        pytest.param(("payments",), ["platform"], False, id="another's"),
        pytest.param(("payments",), ["platform", "payments"], True, id="a part of it is theirs"),
        pytest.param(("payments",), [], True, id="nobody's"),
        pytest.param(("payments",), [""], True, id="of a service that no team has"),
    ],
)
def test_whose_it_is(mine: tuple[str, ...], theirs: list[str], may_act: bool) -> None:
    assert covers(mine, theirs) is may_act


@pytest.mark.parametrize(
    ("maker", "made", "more"),
    [
        pytest.param((Role.ADMIN, (), ()), (Role.ADMIN, (), ()), False, id="the same"),
        pytest.param((Role.MANAGER, (), ()), (Role.ADMIN, (), ()), True, id="a higher role"),
        pytest.param((Role.ADMIN, (), ("a",)), (Role.VIEWER, (), ()), True, id="for all teams, by one's"),
        pytest.param((Role.ADMIN, (), ("a", "b")), (Role.VIEWER, (), ("a",)), False, id="for fewer teams"),
        pytest.param((None, ("admin",), ()), (Role.ADMIN, (), ()), False, id="a role, by an old admin token"),
        pytest.param((None, ("write",), ()), (None, ("admin",), ()), True, id="admin, by an old write token"),
    ],
)
def test_nobody_makes_more_than_they_are(
    maker: tuple[object, ...], made: tuple[object, ...], more: bool
) -> None:
    role, scopes, teams = made
    assert above(*maker, role=role, scopes=scopes, teams=teams) is more  # type: ignore[arg-type]


def test_a_word_that_is_no_role_is_none() -> None:
    assert role_named("king") is None
    assert role_named("") is None


def test_an_address_may_be_wrong_so_often_and_then_so_often_a_minute() -> None:
    throttle = Throttle(burst=3, per_minute=6)
    for _ in range(3):
        assert throttle.waits("a", NOON) == 0
        throttle.count("a", NOON)

    assert throttle.waits("a", NOON) == 10
    assert throttle.waits("b", NOON) == 0
    assert throttle.waits("a", NOON + timedelta(seconds=10)) == 0
    assert throttle.waits("a", NOON - timedelta(hours=1)) == 10, "a clock that was set back opens nothing"
