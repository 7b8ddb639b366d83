"""Credentials at rest open with their own name and key only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.engine.seal import Seal, Unsealable, new_key

KEY = "a secret key of the tests"


@given(name=st.text(max_size=30), text=st.text(max_size=200))
def test_what_is_sealed_opens_again(name: str, text: str) -> None:
    """Any text under any name, with the key trimmed of what an editor adds."""
    sealed = Seal(KEY).close(name, text)

    assert Seal(f" {KEY}\n").open(name, sealed) == text


def test_a_seal_shows_nothing_and_never_repeats() -> None:
    """Neither text nor key is in it, and the same text seals differently each time."""
    seal = Seal(KEY)
    one, two = (seal.close("connectors.east.api_key", "top secret word") for _ in range(2))

    assert one != two
    assert b"secret" not in one


@pytest.mark.parametrize(
    ("key", "name", "change"),
    [
        pytest.param("another secret key altogether", "n", lambda s: s, id="another key"),
        pytest.param(KEY, "m", lambda s: s, id="another name"),
        pytest.param(KEY, "n", lambda s: s[:-1], id="cut off"),
        pytest.param(KEY, "n", lambda s: bytes([s[0] ^ 1]) + s[1:], id="one bit in the nonce"),
        pytest.param(KEY, "n", lambda s: s[:-1] + bytes([s[-1] ^ 1]), id="one bit in the mark"),
        pytest.param(KEY, "n", lambda s: s[:5], id="hardly anything left"),
        pytest.param(KEY, "n", lambda _: b"", id="nothing left"),
    ],
)
def test_nothing_else_opens_it(key: str, name: str, change: object) -> None:
    """Refused with the name and what to do, never with the text."""
    sealed = change(Seal(KEY).close("n", "top secret word"))
    with pytest.raises(Unsealable, match=f"{name} cannot be opened") as refused:
        Seal(key).open(name, sealed)

    assert "top secret" not in str(refused.value)


def test_a_made_key_is_as_good_as_a_passphrase() -> None:
    """32 random bytes in base64, used as they are; the same bytes as a phrase would be another key."""
    key = new_key()

    assert len(base64.b64decode(key)) == 32
    assert key != new_key()
    assert Seal(key).open("n", Seal(key).close("n", "x")) == "x"


@pytest.mark.parametrize("key", ["", "short", "fifteen letters", " " * 40])
def test_a_short_key_is_refused(key: str) -> None:
    """With how to make a good one."""
    with pytest.raises(ValueError, match="at least 16 characters"):
        Seal(key)
