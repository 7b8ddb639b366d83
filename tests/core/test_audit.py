"""The chain of the audit log: what an entry keeps, and what is found when one was tampered with (TR-4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.audit import (
    HIDDEN,
    Anchor,
    Entry,
    Linked,
    Run,
    Walk,
    clean,
    difference,
    follows,
    genesis,
    merged,
    runs_in,
    runs_out,
)
from tocsin.core.severity import Severity

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
START = genesis(UUID(int=7))


def entry(n: int, **more: Any) -> Entry:
    given: dict[str, Any] = {
        "at": NOON + timedelta(seconds=n), "action": "incident.acknowledge", "object": f"INC-{n}", "actor": "ada",
        "actor_kind": "person", "origin": "command", "after": {"status": "mitigated", "n": n},
    }  # fmt: skip
    return Entry(**given | more)


def chain(count: int) -> list[Linked]:
    mark, made = START, []
    for n in range(1, count + 1):
        mark = follows(mark, entry(n), n)
        made.append(Linked(n, mark, entry(n), n))
    return made


def walked(found: list[Linked], head: tuple[int, bytes], **more: Any) -> list[str]:
    walk = Walk(0, START, **more)
    walk.take(found)
    walk.end(head)
    return [f"{fault.seq}: {fault.text}" for fault in walk.faults]


def end(found: list[Linked]) -> tuple[int, bytes]:
    return found[-1].seq, found[-1].hash


def test_an_untouched_chain_holds() -> None:
    found = chain(12)

    assert walked(found, end(found)) == []


def edited(found: list[Linked]) -> list[Linked]:
    return [*found[:4], Linked(5, found[4].hash, entry(5, actor="eve"), 5), *found[5:]]


def rehashed(found: list[Linked]) -> list[Linked]:
    other = entry(5, actor="eve")
    return [*found[:4], Linked(5, follows(found[3].hash, other, 5), other, 5), *found[5:]]


def renumbered(found: list[Linked]) -> list[Linked]:
    a, b = found[4], found[5]
    return [*found[:4], Linked(5, b.hash, b.entry, 6), Linked(6, a.hash, a.entry, 5), *found[6:]]


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        pytest.param(edited, "5: does not follow", id="an entry was edited"),
        pytest.param(rehashed, "6: does not follow", id="edited, and its own hash computed anew"),
        pytest.param(lambda f: [*f[:4], *f[5:]], "5: entry 5 is missing", id="one was deleted"),
        pytest.param(lambda f: f[3:], "1: entries 1 to 3 are missing", id="the oldest were deleted"),
        pytest.param(lambda f: f[:9], "10: entries 10 to 12 are missing", id="the tail was cut"),
        pytest.param(renumbered, "5: does not follow", id="two changed places"),
        pytest.param(
            lambda f: [*f[:5], Linked(5, f[4].hash, entry(5, actor="eve"), 99), *f[5:]],
            "5: there are two entries 5", id="one was put in at a taken number",
        ),
        pytest.param(
            lambda f: [*f, Linked(13, follows(f[-1].hash, entry(13), 13), entry(13), 13)],
            "13: stands behind the end", id="one was put in behind the end",
        ),
    ],
)  # fmt: skip
def test_what_was_done_to_it_is_named(tamper: Any, named: str) -> None:
    found = chain(12)

    told = walked(tamper(found), end(found))

    assert told
    assert told[0].startswith(named), told


def test_a_tail_cut_off_together_with_the_end_is_known_from_what_the_node_saw() -> None:
    found = chain(12)
    seen = [Anchor(12, found[-1].hash, "2026-11-16T12:01:00Z")]

    told = walked(found[:9], end(found[:9]), anchors=seen)

    (fault,) = told
    assert fault.startswith(
        "10: this node saw entry 12 at 2026-11-16T12:01:00Z, and the log ends at 9: its end was cut"
    )


def test_a_log_written_anew_is_known_from_what_the_node_saw() -> None:
    honest, mark, forged = chain(6), START, []
    for n in range(1, 7):
        mark = follows(mark, entry(n, actor="eve"), n)
        forged.append(Linked(n, mark, entry(n, actor="eve"), n))
    assert walked(forged, end(forged)) == [], "by itself it holds: that is why the end is kept elsewhere too"

    told = walked(forged, end(forged), anchors=[Anchor(6, honest[-1].hash, "noon")])

    assert told == ["6: is not what this node saw there at noon: the log was written anew"]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=25, unique=True))
def test_what_was_forgotten_and_told_is_no_gap(gone: list[int]) -> None:
    found = chain(31)
    runs = merged(Run(n, n, found[n - 1].hash) for n in gone)
    kept = [one for one in found if one.seq not in gone]

    assert walked(kept, end(found), runs=runs_in({"forgotten": runs_out(runs)})) == []
    assert walked(kept, end(found)) != [], "and untold it is one"


@given(st.data())
def test_any_single_change_of_an_entry_is_found(data: st.DataObject) -> None:
    found = chain(8)
    at = data.draw(st.integers(0, 7))
    field = data.draw(
        st.sampled_from(["actor", "action", "object", "origin", "address", "outcome", "text", "after"])
    )
    old = getattr(found[at].entry, field)
    new = {"status": "open"} if field == "after" else f"{old}x"
    changed = entry(at + 1, **{field: new})

    assert walked(
        [*found[:at], Linked(at + 1, found[at].hash, changed, at + 1), *found[at + 1 :]], end(found)
    )


# ---- what an entry keeps -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        pytest.param({"api_key": "u+abc"}, {"api_key": HIDDEN}, id="a key of a provider"),
        pytest.param({"a": {"webhook_secrets": ["x", "y"]}}, {"a": {"webhook_secrets": HIDDEN}}, id="a list of secrets, deeper"),
        pytest.param({"Authorization": "Bearer t"}, {"Authorization": HIDDEN}, id="a header"),
        pytest.param({"password": ""}, {"password": ""}, id="that there was none is no secret"),
        pytest.param({"dedup_key": "db1/disk"}, {"dedup_key": "db1/disk"}, id="a dedup key is none"),
        pytest.param({"severity": Severity.HIGH}, {"severity": "high"}, id="a word of ours"),
        pytest.param({"p": 0.25, "n": 2**60}, {"p": "0.25", "n": str(2**60)}, id="numbers that a database may round"),
        pytest.param({"at": NOON}, {"at": "2026-11-16T12:00:00.000000Z"}, id="an instant"),
        pytest.param({"t": "a\x00b\ud800"}, {"t": "ab?"}, id="what a database cannot hold"),
        pytest.param({"s": frozenset({"b", "a"})}, {"s": ["a", "b"]}, id="a set, in order"),
    ],
)  # fmt: skip
def test_values_as_the_log_keeps_them(value: Any, kept: Any) -> None:
    assert clean(value) == kept


def test_only_what_differs_is_kept() -> None:
    was, now = difference(
        {"status": "open", "title": "x"}, {"status": "mitigated", "title": "x", "note": "hm"}
    )

    assert was == {"status": "open", "note": None}
    assert now == {"status": "mitigated", "note": "hm"}
