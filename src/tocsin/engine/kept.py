"""What the journal keeps of a request, and how it is read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tocsin.core.dedup import Fresh
from tocsin.core.model import Event
from tocsin.store.intake import RawRequest

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One request with the events read in it and the names that its alerts were answered with, one for each
    event. The request's own id is the record's: what is stored under it already is not stored again."""

    raw: RawRequest
    scope: str
    events: Sequence[Event]
    names: Sequence[Fresh]
    version: int = VERSION


class Unreadable(Exception):
    """A record that says nothing we know; the message tells what is wrong with it."""


def encoded(kept: Kept) -> bytes:
    """One record's body. Raises ValueError for what JSON cannot hold."""
    try:
        return _encoder.encode(kept)
    except (TypeError, OverflowError, msgspec.MsgspecError) as fault:
        raise ValueError(str(fault)) from fault


def decoded(body: bytes) -> Kept:
    """The record as it was kept, by this version or an earlier one."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise Unreadable(str(fault)) from fault


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Kept)
