"""Is an ack link one of ours, whole and for whom it was sent to (S52)?"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.ack_link import AckLink, form_of, is_form_of, print_of, read, written

KEY, ANOTHER = b"k" * 32, b"a" * 32
INCIDENT = UUID("01a1e43a-7a00-7b37-8ab9-a97e01d58e72")
ENDS = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def link(life: int = 1, address: str = "ada@example.com") -> AckLink:
    return AckLink(INCIDENT, life, ENDS, print_of(KEY, address))


TEXT = written(KEY, link())

links = st.builds(
    AckLink,
    st.uuids(),
    st.integers(1, 2**24 - 1),
    st.integers(1_800_000_000, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.binary(min_size=8, max_size=8),
)


@given(links)
def test_s52_what_was_written_is_read(said: AckLink) -> None:
    text = written(KEY, said)
    assert read(KEY, text) == said
    assert re.fullmatch(r"[A-Za-z0-9_-]{64}", text), "it needs no escaping, and fits on a line"


@given(links, st.integers(0, 63), st.sampled_from(ALPHABET))
def test_s52_one_character_changed_and_it_is_no_link_of_ours(said: AckLink, at: int, letter: str) -> None:
    """S52: nobody makes of their link one for another incident, person, life or end."""
    text = written(KEY, said)
    changed = text[:at] + letter + text[at + 1 :]
    assert (read(KEY, changed) is None) == (changed != text)


@given(st.text(max_size=80) | st.text(ALPHABET, min_size=64, max_size=64))
def test_s52_whatever_else_stands_there_is_none_and_never_fails(text: str) -> None:
    assert read(KEY, text) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_form_belongs_to_its_link_alone(one: str, given_form: str) -> None:
    assert is_form_of(KEY, one, form_of(KEY, one))
    assert not is_form_of(KEY, one, given_form)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(written(ANOTHER, link()), id="S50: signed with another secret key"),
        pytest.param(TEXT[:-1], id="cut off by a mail program"),
        pytest.param(TEXT + "=", id="padded"),
        pytest.param(TEXT + "\n", id="with the end of its line"),
        pytest.param(TEXT[:-1] + "é", id="not ASCII"),
        pytest.param("", id="empty"),
        pytest.param("A" * 64, id="all zero"),
    ],
)
def test_s52_what_is_no_link_of_ours(text: str) -> None:
    assert read(KEY, text) is None


def test_the_address_is_not_in_the_link_and_not_told_by_it() -> None:
    """It stands in logs of proxies and in the history of browsers."""
    whom = print_of(KEY, "ada@example.com")
    assert whom == print_of(KEY, " Ada@Example.com"), "as people write it"
    assert whom != print_of(ANOTHER, "ada@example.com"), "nobody without the key can try addresses"
    assert written(KEY, link()) != written(KEY, link(address="bo@example.com"))
