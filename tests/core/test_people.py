"""Which user is meant by a word?"""

import pytest

from tocsin.core.people import known_as, same_person, shown_as, user_named
from tocsin.core.policy import User

USERS = {
    user.id: user
    for user in (
        User(id="ada", name="Ada", email="ada@example.com"),
        User(id="bo", name="Bo Smith", email="b.smith@example.com"),
        User(id="sam1", name="Sam", email="sam1@example.com"),
        User(id="sam2", name="Sam", email=""),
    )
}


@pytest.mark.parametrize(
    ("word", "who"),
    [
        pytest.param("bo", "bo", id="by id"),
        pytest.param("B.Smith@Example.com", "bo", id="by address, whatever its case"),
        pytest.param("bo smith", "bo", id="by name"),
        pytest.param(" Ada ", "ada", id="with spaces around"),
        pytest.param("Sam", None, id="a name that two have is nobody"),
        pytest.param("", None, id="no word, and no user without an address"),
        pytest.param("Zoe", None, id="a stranger"),
    ],
)
def test_whom_a_word_means(word: str, who: str | None) -> None:
    found = user_named(USERS, word)
    assert (found.id if found else None) == who


def test_one_person_by_two_words() -> None:
    assert same_person(USERS, "Bo Smith", "b.smith@example.com")
    assert not same_person(USERS, "Ada", "bo")
    assert not same_person(USERS, "", "")
    assert same_person(USERS, "Zoe at PagerDuty", "zoe at pagerduty")
    assert (known_as(USERS, "ada"), shown_as(USERS, "ada")) == ("Ada", "Ada")
    assert (known_as(USERS, "sam1@example.com"), shown_as(USERS, "sam1")) == ("sam1", "Sam")
    assert (known_as(USERS, "Zoe, Ed"), shown_as(USERS, "Zoe, Ed")) == ("Zoe, Ed", "Zoe, Ed")
