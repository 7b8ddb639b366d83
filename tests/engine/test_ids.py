"""New names: unique, in the order of time, and what everybody else takes for a UUID."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import msgspec
import pytest

from tocsin.engine.ids import new_id

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)


def test_it_is_version_7_and_says_when() -> None:
    made = new_id(NOON)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(NOON.timestamp() * 1000)


def test_none_is_made_twice_across_several_blocks_of_randomness() -> None:
    assert len({new_id(NOON) for _ in range(1000)}) == 1000


def test_they_sort_by_time() -> None:
    made = [new_id(NOON + timedelta(milliseconds=n)) for n in range(300)]
    assert sorted(made) == made
    assert sorted(made, key=str) == made


@pytest.mark.parametrize(
    "same", [lambda u: UUID(str(u)), lambda u: UUID(int=u.int), lambda u: UUID(bytes=u.bytes)]
)
def test_it_is_the_same_as_any_uuid_with_its_bytes(same: Callable[[UUID], UUID]) -> None:
    made = new_id(NOON)
    other = same(made)
    assert isinstance(made, UUID)
    assert made == other
    assert other == made
    assert {made: 1}[other] == 1
    assert msgspec.json.encode([made]) == msgspec.json.encode([other])
