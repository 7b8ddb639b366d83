"""What an HTTP answer means, the same for every provider; each states its own words (S28, S33)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.answers import (
    LONGEST_WAIT,
    LONGEST_WORDS,
    READABLE,
    THROTTLED,
    Manner,
    hide,
    json_of,
    not_done,
)
from tocsin.core.ports import FaultKind, Rejected, Response, Retry, WireFault

MANNER = Manner(
    name="Pager", thing="page", limit_header="x-reset", words=lambda answer: answer.body.decode(), advice={403: "ask Ada"}
)  # fmt: skip


def meant(status: int, body: str = "", *, act: bool = False, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return not_done(Response(status, named, body.encode()), ["hush"], MANNER, act=act)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(meant(200), None, id="done"),
        pytest.param(meant(400, "no hush"), Rejected(reason="Pager answered 400: no [secret]", status=400), id="S28: refused, with its words and without our secret"),
        pytest.param(meant(401), Rejected(reason="Pager answered 401 (check api_key and region: a key of the other region is refused the same way)", status=401, counts=True), id="S33: 401 counts, and what to do is said for all"),
        pytest.param(meant(403), Rejected(reason="Pager answered 403 (ask Ada)", status=403, counts=True), id="S33: 403 counts, in the provider's own words"),
        pytest.param(meant(404), Rejected(reason="Pager answered 404", status=404), id="nothing at this address"),
        pytest.param(meant(404, act=True), Rejected(reason="Pager answered 404 (the page is not known there)", status=404, gone=True), id="S41: about one that was there: gone"),
        pytest.param(meant(302), Rejected(reason="Pager answered 302 (redirects are not followed: check base_url)", status=302), id="a redirect"),
        pytest.param(meant(429), Retry(reason="Pager answered 429", not_before=THROTTLED, counts=False, throttled=True), id="S33: 429 does not count"),
        pytest.param(meant(429, x_reset="7"), Retry(reason="Pager answered 429", not_before=timedelta(seconds=7), counts=False, throttled=True), id="until the limit ends"),
        pytest.param(meant(503, retry_after="9999999"), Retry(reason="Pager answered 503", not_before=LONGEST_WAIT, ambiguous=True), id="S29: it may have been applied; an hour at most"),
        pytest.param(meant(500, x_reset="7"), Retry(reason="Pager answered 500", ambiguous=True), id="the header of the limit counts on a 429 alone"),
        pytest.param(meant(408), Retry(reason="Pager answered 408", ambiguous=True), id="too slow for them"),
    ],
)  # fmt: skip
def test_what_a_status_means(answer: object, expected: object) -> None:
    assert answer == expected


@pytest.mark.parametrize(("kind", "ambiguous"), [(FaultKind.CONNECT, False), (FaultKind.AMBIGUOUS, True)])
def test_no_answer_may_have_been_applied_when_something_was_sent(kind: FaultKind, ambiguous: bool) -> None:
    refusal = not_done(WireFault(kind, "no route"), [], MANNER, act=False)
    assert refusal == Retry(reason="no route", ambiguous=ambiguous)


@given(st.integers(300, 599), st.text(max_size=400), st.booleans())
def test_every_refusal_is_one_of_two_and_holds_no_secret(status: int, said: str, act: bool) -> None:
    refusal = meant(status, f"{said}hush{said}", act=act)
    assert isinstance(refusal, Retry | Rejected)
    assert "hush" not in refusal.reason.replace(said, "")
    assert len(refusal.reason) < LONGEST_WORDS + 200


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b" " * (READABLE + 1), b"\xff"])
def test_what_cannot_be_read_is_nothing(body: bytes) -> None:
    assert json_of(body) is None


def test_a_long_text_is_cut_after_its_secrets_are_gone() -> None:
    assert hide("x" * (LONGEST_WORDS - 2) + "hush", ["hush"]) == "x" * (LONGEST_WORDS - 2) + "[s"
