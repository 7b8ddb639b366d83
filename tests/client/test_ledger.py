"""An exported audit log: whatever one thing is done to the file, it is found without any hub (TR-4)."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.client.ledger import read_ledger
from tocsin.core.audit import Entry, canonical, content, follows, genesis

INSTALLATION = UUID(int=7)


def exported(count: int = 6, *, gone: tuple[int, int] | None = None) -> list[bytes]:
    """A file's lines as a hub writes them; `gone` = entries that retention has taken away."""
    mark = genesis(INSTALLATION)
    lines = [_line(kind="tocsin audit log", version=1, installation=str(INSTALLATION), first=1, previous=mark.hex(),
                   exported_at="2026-11-16T12:00:00.000000Z", exported_by="ada")]  # fmt: skip
    told, forgotten = 0, []
    for n in range(1, count + 1):
        entry = Entry(
            at=datetime(2026, 11, 16, 12, n, tzinfo=UTC), action="silence.make", object=f"s{n}", actor="Bö", actor_kind="person",
            origin="page", before=None, after={"comment": 'a "quoted" {thing}', "n": n},
        )  # fmt: skip
        previous, mark = mark, follows(mark, entry, n)
        if gone and gone[0] <= n <= gone[1]:
            forgotten = [[*gone, mark.hex()]]
            continue
        told += 1
        lines.append(_line(**content(entry, n), previous=previous.hex(), hash=mark.hex()))
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    lines.append(
        _line(kind="end", entries=told, last=count, hash=mark.hex(), digest=digest, forgotten=forgotten)
    )
    return lines


def _line(**told: Any) -> bytes:
    return canonical(told) + b"\n"


def split(text: bytes) -> list[bytes]:
    """As a file opened in binary gives its lines."""
    return list(io.BytesIO(text))


def test_a_file_as_it_was_exported_holds() -> None:
    found = read_ledger(exported())

    assert found.faults == []
    assert (found.entries, found.first, found.last, found.exported_by) == (6, 1, 6, "ada")


def test_what_retention_took_away_is_told_and_no_fault() -> None:
    assert read_ledger(exported(gone=(2, 4))).holds
    assert read_ledger(exported(gone=(1, 4))).holds


@given(st.data())
def test_any_single_byte_that_is_not_as_it_was_is_found(data: st.DataObject) -> None:
    text = b"".join(exported(4))
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[at]))

    assert not read_ledger(split(text[:at] + bytes([other]) + text[at + 1 :])).holds
    assert not read_ledger(split(text[:at] + text[at + 1 :])).holds, "taken out"
    assert not read_ledger(split(text[:at] + bytes([other]) + text[at:])).holds, "put in"
    assert not read_ledger(split(text[:at])).holds, "cut off"


@given(st.data())
def test_any_line_taken_out_put_in_twice_or_moved_is_found(data: st.DataObject) -> None:
    lines = exported()
    a = data.draw(st.integers(0, len(lines) - 1))
    b = data.draw(st.integers(0, len(lines) - 1).filter(lambda n: n != a))
    moved = [line for n, line in enumerate(lines) if n != a]
    moved.insert(b, lines[a])

    assert not read_ledger(lines[:a] + lines[a + 1 :]).holds
    assert not read_ledger([*lines[: a + 1], *lines[a:]]).holds
    assert not read_ledger(moved).holds


def test_an_entry_changed_with_the_digest_computed_anew_is_named() -> None:
    lines = exported()
    told = json.loads(lines[3])
    lines[3] = _line(**told | {"actor": "eve"})
    ends = json.loads(lines[-1])
    lines[-1] = _line(**ends | {"digest": hashlib.sha256(b"".join(lines[:-1])).hexdigest()})

    faults = read_ledger(lines).faults

    assert [(fault.line, fault.text) for fault in faults] == [
        (4, "entry 3 is not what was written: silence.make s3 by eve")
    ]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        pytest.param(b"", "the file is empty", id="nothing"),
        pytest.param(b"\n", "is no JSON object", id="an empty line"),
        pytest.param(b"[" * 50_000, "is no JSON object", id="brackets without end"),
        pytest.param(b'{"kind":"end"}\n', "is not the first line", id="another JSON"),
        pytest.param(b"\xff\xfe\x00", "is no JSON object", id="no text at all"),
    ],
)
def test_what_is_no_export_says_so(file: bytes, said: str) -> None:
    assert said in read_ledger(split(file)).faults[0].text
