"""Which of a provider's things is proposed for which of ours, and why (PR-10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.checks import Thing
from tocsin.core.discovery import Ours, proposed

SERVICES = "service_mappings"


def things(*names: str) -> list[Thing]:
    return [
        Thing(kind="service", id=f"P{n}", name=name, value=f"P{n}", setting=SERVICES)
        for n, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("ours", "also", "there", "meant", "why"),
    [
        pytest.param("api", "", ["API", "Web"], "API", "the same name", id="the same but for its case"),
        pytest.param("payment-service", "", ["Payments", "Web"], "Payments", "the same words", id="a plural, and a word that says nothing"),
        pytest.param("database", "", ["Database Service", "Web"], "Database Service", "the same words", id="with the word service"),
        pytest.param("checkout", "", ["Checkout EU", "Web"], "Checkout EU", 'both say "checkout"', id="one says more"),
        pytest.param("recomendation", "", ["Recommendation", "Web"], "Recommendation", "spelled almost alike", id="misspelled"),
        pytest.param("web", "shop", ["Shop", "General"], "Shop", "its team shop: the same name", id="by its team"),
        pytest.param("web", "", ["General", "Payments"], "", "nothing there has a name like it", id="nothing alike"),
        pytest.param("api", "", ["API", "api"], "", "fits API and api equally", id="two that fit"),
        pytest.param("api", "", ["Prod API EU", "API US"], "", "equally", id="two regions"),
    ],
)  # fmt: skip
def test_what_is_proposed(ours: str, also: str, there: list[str], meant: str, why: str) -> None:
    found = proposed([Ours(setting=SERVICES, name=ours, also=also)], things(*there), {})
    if meant:
        (one,) = found.proposals
        assert (one.there, one.reason) == (meant, why)
        assert 0 < one.score <= 1
    else:
        assert found.proposals == ()
        assert why in found.doubtful[0][1]


def test_what_is_mapped_already_is_left_alone_and_settings_are_not_mixed() -> None:
    policy = Thing(kind="policy", id="E1", name="web", value="E1", setting="policy_mappings")
    ours = [Ours(setting=SERVICES, name="web"), Ours(setting="policy_mappings", name="web")]
    found = proposed(ours, [*things("Web"), policy], {SERVICES: ["web"]})
    assert [(one.setting, one.value) for one in found.proposals] == [("policy_mappings", "E1")]
    assert found.doubtful == ()


@given(st.lists(st.text(max_size=12), max_size=5), st.lists(st.text(max_size=12), max_size=5))
def test_each_of_ours_is_proposed_for_once_or_doubtful(names: list[str], there: list[str]) -> None:
    ours = [Ours(setting=SERVICES, name=name) for name in dict.fromkeys(names)]
    found = proposed(ours, things(*there), {})
    told = [one.name for one in found.proposals] + [name for name, _ in found.doubtful]
    assert sorted(told) == sorted(one.name for one in ours)
    assert {one.there for one in found.proposals} <= set(there)
