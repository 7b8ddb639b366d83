"""An alert that names further services: they become parts of the incident that it joins (S20, S21)."""

import pytest

from tocsin.core.model import AlertStatus, IncidentStatus
from tocsin.core.parts import with_parts

from .deciding import decided, heard, kinds, member, repeated
from .values import MITIGATED, OPEN, RESOLVED, L, M, alert, at, create, incident


def statuses(found: object) -> dict[str, str]:
    return {part.service: part.status.value for part in found.parts}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("parts", "status", "services", "after", "status_after"),
    [
        pytest.param({"a": OPEN}, OPEN, ["a", "b"], {"a": "open", "b": "open"}, OPEN, id="a further service is a further part"),
        pytest.param({"a": OPEN}, OPEN, ["a", "a"], {"a": "open"}, OPEN, id="one that is there is not added"),
        pytest.param({"a": OPEN}, OPEN, [], {"a": "open"}, OPEN, id="no service, no part"),
        pytest.param({"a": OPEN}, OPEN, ["c", "b", "c"], {"a": "open", "c": "open", "b": "open"}, OPEN, id="several, each once"),
        pytest.param({"a": MITIGATED}, MITIGATED, ["b"], {"a": "mitigated", "b": "open"}, OPEN,
                     id="S20: somebody has a, nobody has b: not every part is acknowledged"),
        pytest.param({"a": RESOLVED}, RESOLVED, ["b"], {"a": "resolved"}, RESOLVED, id="what is over takes none"),
    ],
)  # fmt: skip
def test_further_services(
    parts: dict[str, IncidentStatus],
    status: IncidentStatus,
    services: list[str],
    after: dict[str, str],
    status_after: IncidentStatus,
) -> None:
    found, lines = with_parts(incident(status, parts=parts), services, at(60))
    assert (statuses(found), found.status) == (after, status_after)
    assert [line.data["service"] for line in lines] == list(after)[len(parts) :]


@pytest.mark.parametrize("severity", [L, M], ids=["low", "medium"])
def test_a_join_with_a_further_service_pages_for_it_whatever_its_severity(severity: object) -> None:
    """S21: never a silent join. Ada keeps a; for b the page begins anew, and nobody takes a from her."""
    home = incident(MITIGATED, parts={"a": MITIGATED})
    joined = decided(
        alert(severity=None, services=("a", "b")),
        heard(create(services=("a", "b"), severity=severity)),
        group=home,
        now=at(600),
    )
    assert joined.joined
    assert joined.incident is not None
    assert statuses(joined.incident) == {"a": "mitigated", "b": "open"}
    assert (joined.ruling, joined.page_again) == (None, True)
    assert joined.alert.status is AlertStatus.OPEN
    assert "part_added" in kinds(joined)


def test_a_repeat_with_a_further_service_adds_its_part() -> None:
    """The page under way goes on; the engine asks for b where a was asked."""
    again = decided(
        member(services=("a",)), repeated(create(services=("a", "b"))), incident=incident(parts={"a": OPEN})
    )
    assert again.incident is not None
    assert statuses(again.incident) == {"a": "open", "b": "open"}
    assert not again.page_again
