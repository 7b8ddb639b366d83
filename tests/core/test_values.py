"""Values are copied and kept in one way, whichever kind they are."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from tocsin.core.values import replace


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    data: dict[str, int] = {}
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    name: str
    data: dict[str, int]
    number: int = 0


@pytest.mark.parametrize("kind", [Struct, Record])
class TestACopy:
    def test_has_the_changes_and_shares_the_rest(self, kind: type[Struct | Record]) -> None:
        before = kind(name="a", data={"n": 1})
        after = replace(before, number=2)
        assert (after.name, after.number, before.number) == ("a", 2, 0)
        assert after.data is before.data
        assert type(after) is kind

    def test_without_changes_is_equal(self, kind: type[Struct | Record]) -> None:
        before = kind(name="a", data={"n": 1})
        assert replace(before) == before
        assert replace(before, number=1) != before

    def test_refuses_a_field_that_there_is_not(self, kind: type[Struct | Record]) -> None:
        with pytest.raises(TypeError, match="nmae"):
            replace(kind(name="a", data={}), nmae="b")  # type: ignore[call-arg]

    def test_its_original_refuses_to_be_changed(self, kind: type[Struct | Record]) -> None:
        with pytest.raises(AttributeError):
            kind(name="a", data={}).name = "b"  # type: ignore[misc]


def test_each_has_a_mapping_of_its_own_where_none_was_given() -> None:
    assert Struct(name="a").data is not Struct(name="a").data


def test_every_struct_of_the_core_is_frozen() -> None:
    from tocsin.core import classify, dedup, model, mute, paging, plan, route, situation, storm

    modules = (classify, dedup, model, mute, paging, plan, route, situation, storm)
    structs = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, msgspec.Struct)
    }
    assert {model.Alert, model.Incident, route.Route, situation.Decision} <= structs
    assert [one.__name__ for one in structs if not one.__struct_config__.frozen] == []
