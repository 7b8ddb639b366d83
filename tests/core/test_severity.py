"""Does each word for severity mean what S54 says?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.severity import SenderSeverity, Severity, sender_severity, severity_named, worse

C, H, M, L = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW


@pytest.mark.parametrize(
    ("word", "severity", "quiet"),
    [
        *[
            pytest.param(word, C, False, id=word)
            for word in ("critical", "SEV-1", "sev1", "P1", "1", "fatal", "page")
        ],
        *[pytest.param(word, H, False, id=word) for word in ("high", "SEV-2", "p2", "2", "error", "major")],
        *[
            pytest.param(word, M, False, id=word)
            for word in ("medium", "SEV-3", "p3", "3", "warning", "average")
        ],
        *[pytest.param(word, L, False, id=word) for word in ("low", "SEV-4", "p4", "4", "notice")],
        *[
            pytest.param(word, L, True, id=f"{word} is quiet")
            for word in ("silent", "info", "SEV-5", "sev5", "p5", "debug")
        ],
        *[
            pytest.param(word, None, False, id=f"{word or 'nothing'} is unset")
            for word in ("SEV-UNKNOWN", "unknown", "", "   ", "sev-0", "critical!", "ＨＩＧＨ")
        ],
        pytest.param("  High\n", H, False, id="case and blanks do not count"),
    ],
)
def test_a_senders_word(word: str, severity: Severity | None, quiet: bool) -> None:
    """S54: silent, info and SEV-5 are low and not paged; SEV-UNKNOWN and what nobody knows is unset."""
    assert sender_severity(word) == SenderSeverity(severity, quiet)


@pytest.mark.parametrize("severity", list(Severity))
def test_both_spellings_are_one_severity(severity: Severity) -> None:
    for word in (severity.value, severity.sev, severity.sev.lower(), severity.value.upper()):
        assert severity_named(word) is severity
        assert sender_severity(word) == SenderSeverity(severity)


@pytest.mark.parametrize("word", ["P1", "1", "warning", "info", "SEV-5", "hihg", ""])
def test_what_a_person_types_is_not_guessed(word: str) -> None:
    assert severity_named(word) is None


def test_the_other_spelling_and_the_order() -> None:
    assert [severity.sev for severity in Severity] == ["SEV-1", "SEV-2", "SEV-3", "SEV-4"]
    assert [severity.rank for severity in (C, H, M, L)] == [4, 3, 2, 1]


@given(st.text())
def test_no_word_is_an_error(word: str) -> None:
    found = sender_severity(word)
    assert found.severity is None or isinstance(found.severity, Severity)


MAYBE = st.none() | st.sampled_from(list(Severity))


@given(MAYBE, MAYBE, MAYBE)
def test_the_worse_of_severities_does_not_depend_on_order(
    a: Severity | None, b: Severity | None, c: Severity | None
) -> None:
    assert worse(a, b) is worse(b, a)
    assert worse(a, worse(b, c)) is worse(worse(a, b), c)
    known = [each for each in (a, b) if each]
    assert worse(a, b) is (max(known, key=lambda each: each.rank) if known else None)
