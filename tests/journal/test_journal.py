"""What is kept beside the database: whole or not at all, in order, and readable after the worst (S47)."""

import os
import resource
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.journal import Cut, Journal, JournalFull, framed, records_in, write_whole

NAMES = (UUID(int=n) for n in count(1))
bodies = st.lists(st.binary(max_size=200), max_size=8)


def journal(folder: Path, **more: int) -> Journal:
    return Journal(folder / "journal", keep_free_bytes=0, **more)


def kept(at: Journal) -> list[bytes]:
    return [body for path in at.names() for body in at.read(path).records]


@given(bodies, st.data())
def test_s47_a_file_cut_anywhere_gives_every_whole_record_before_the_cut(
    said: list[bytes], data: st.DataObject
) -> None:
    """kill -9 or a loss of power in the middle of an append: what was answered is there, the rest is told."""
    whole = b"".join(framed(body) for body in said)
    at = data.draw(st.integers(0, len(whole)))
    found = list(records_in(whole[:at]))
    ends = [sum(len(framed(body)) for body in said[: n + 1]) for n in range(len(said))]
    complete = [body for body, end in zip(said, ends, strict=True) if end <= at]
    assert [record for record in found if isinstance(record, bytes)] == complete
    assert any(isinstance(record, Cut) for record in found) == (at not in (0, *ends))


@given(bodies.filter(bool), st.data())
def test_s47_a_changed_byte_is_never_read_as_a_record(said: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(b"".join(framed(body) for body in said))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 0x40
    found = [record for record in records_in(bytes(whole)) if isinstance(record, bytes)]
    assert found == said[: len(found)]
    assert len(found) < len(said)


def test_records_come_back_in_order_over_several_segments(tmp_path: Path) -> None:
    at = journal(tmp_path, segment_bytes=100)
    for number in range(20):
        at.append([f"record {number}".encode() * 3], next(NAMES))
    assert len(at.names()) > 5
    assert kept(at) == [f"record {number}".encode() * 3 for number in range(20)]


def test_a_segment_under_way_is_not_taken_up_and_a_dead_writers_is(tmp_path: Path) -> None:
    """Two processes on one data folder: each takes only what nobody writes to."""
    living, reader = journal(tmp_path), journal(tmp_path)
    living.append([b"one"], next(NAMES))
    assert reader.idle() == []
    living.seal()
    assert [reader.read(path).records for path in reader.idle()] == [(b"one",)]


def test_one_process_at_a_time_takes_up_what_waits(tmp_path: Path) -> None:
    first, second = journal(tmp_path), journal(tmp_path)
    with first.taken() as mine, second.taken() as theirs:
        assert (mine, theirs) == (True, False)
    with second.taken() as now:
        assert now


def test_s47_without_room_nothing_of_an_append_is_kept(tmp_path: Path) -> None:
    at = Journal(tmp_path / "journal", keep_free_bytes=1 << 60)
    with pytest.raises(JournalFull):
        at.append([b"one"], next(NAMES))
    assert kept(at) == []


def test_s47_a_disk_that_fills_in_the_middle_of_a_record_leaves_the_earlier_ones_whole(
    tmp_path: Path,
) -> None:
    """The file may not grow past 4 KiB, as on a full disk: the write stops half-way and is taken back."""
    at = journal(tmp_path)
    at.append([b"early" * 100], next(NAMES))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(JournalFull):
            at.append([b"late" * 2000], next(NAMES))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    at.append([b"later"], next(NAMES))
    assert kept(at) == [b"early" * 100, b"later"]
    assert [at.read(path).cut for path in at.names()] == [None]


def test_only_the_owner_can_read_what_senders_said(tmp_path: Path) -> None:
    at = journal(tmp_path)
    at.append([b"one"], next(NAMES))
    modes = [oct(os.stat(path).st_mode & 0o777) for path in (at.folder, *at.names())]
    assert modes == ["0o700", "0o600"]


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_whole(tmp_path / "snapshot", b"old")
    write_whole(tmp_path / "snapshot", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("snapshot", b"new")]


def test_s47_what_was_answered_is_on_the_disk_and_not_in_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S47: whoever appends goes on to answer 2xx, so each append ends with a sync of the whole record."""
    synced: list[int] = []
    really = os.fdatasync

    def sync(number: int) -> None:
        really(number)
        synced.append(os.fstat(number).st_size)

    monkeypatch.setattr(os, "fdatasync", sync)
    at, sizes = journal(tmp_path), []
    for body in (b"one", b"two", b"three"):
        at.append([body], next(NAMES))
        sizes.append(sum(path.stat().st_size for path in at.names()))

    assert synced == sizes
