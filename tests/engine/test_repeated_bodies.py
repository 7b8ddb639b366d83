"""A body that comes again to the byte is not read again; what it says stays the same, and little is kept."""

from tocsin.core.model import Action, Event
from tocsin.engine.envelope import fingerprint
from tocsin.engine.intake import _Bodies


def event(title: str) -> Event:
    return Event(action=Action.CREATE, dedup_key=title, title=title)


def test_what_was_read_is_found_with_the_fingerprints_of_its_events() -> None:
    bodies = _Bodies()
    bodies.keep(True, b"[...]", [event("a"), event("b")])
    found = bodies.find(True, b"[...]")

    assert found is not None
    assert found.events == [event("a"), event("b")]
    assert found.prints == [fingerprint(event("a")), fingerprint(event("b"))]


def test_one_alert_and_a_batch_of_the_same_bytes_are_two_things() -> None:
    bodies = _Bodies()
    bodies.keep(True, b"{}", [event("a")])

    assert bodies.find(False, b"{}") is None


def test_a_large_body_is_not_kept() -> None:
    bodies = _Bodies()
    bodies.keep(False, b"x" * 65_537, [event("a")])

    assert bodies.find(False, b"x" * 65_537) is None


def test_the_ones_not_seen_for_longest_go_first() -> None:
    """2,000 bodies and 1 MiB are kept."""
    bodies = _Bodies()
    for number in range(40):
        bodies.find(False, b"%60000d" % 0)
        bodies.keep(False, b"%60000d" % number, [event("a")])

    assert bodies.find(False, b"%60000d" % 0) is not None
    assert bodies.find(False, b"%60000d" % 1) is None
    assert bodies.find(False, b"%60000d" % 39) is not None
