"""What does a look at the hub itself find, and when does it become an alarm (TR-7)?"""

from datetime import timedelta

import pytest

from tocsin.core.alarm import Alarm
from tocsin.core.breaker import BreakerState
from tocsin.core.severity import Severity
from tocsin.core.watch import Disk, Ending, Queue, Silent, Watched, cannot_page, changes, judge, judge_disk

from .values import T0, C, H, L, M, at

GIB = 1024**3
NOW = at(hours=24)
OPEN = BreakerState.OPEN


def before(**span: float) -> object:
    return NOW - timedelta(**span)


def names(seen: Watched) -> list[str]:
    return [alarm.key for alarm in judge(seen, NOW)]


@pytest.mark.parametrize(
    ("queue", "found"),
    [
        pytest.param({}, [], id="nothing waits"),
        pytest.param({"due_since": before(seconds=60)}, [], id="due for a minute: the couriers are at it"),
        pytest.param({"due_since": before(seconds=61)}, ["outbox-stuck/pd"], id="due for longer, and nothing explains it"),
        pytest.param({"due_since": before(seconds=61), "breaker": OPEN, "opened_at": before(seconds=61)}, [], id="an open breaker explains it"),
        pytest.param({"due_since": before(seconds=61), "hold_until": before(seconds=-1)}, [], id="the provider asked us to wait"),
        pytest.param({"due_since": before(minutes=20), "hold_until": before(seconds=1)}, ["outbox-stuck/pd"], id="that wait is over"),
        pytest.param({"due_since": before(seconds=90), "last_success_at": before(seconds=59)}, [], id="it goes on, if slowly"),
        pytest.param({"due_since": before(minutes=6), "last_success_at": before(seconds=5)}, ["queue-slow/pd"], id="more comes than it takes"),
        pytest.param({"due_since": before(minutes=6), "hold_until": before(seconds=-9)}, ["queue-slow/pd"], id="it has made us wait for too long"),
        pytest.param({"tried_since": before(minutes=6)}, ["queue-slow/pd"], id="tried for six minutes, by no fault that a breaker counts"),
        pytest.param({"tried_since": before(minutes=4)}, [], id="tried for four"),
        pytest.param({"breaker": OPEN, "opened_at": before(minutes=5)}, [], id="down for five minutes"),
        pytest.param({"breaker": OPEN, "opened_at": before(minutes=6)}, ["breaker-open/pd"], id="down for longer"),
        pytest.param({"breaker": BreakerState.HALF_OPEN, "opened_at": before(minutes=6)}, ["breaker-open/pd"], id="a probe under way does not end it"),
        pytest.param({"last_success_at": before(hours=7), "last_failure_at": before(hours=1)}, ["no-success/pd"], id="used, and nothing worked for hours"),
        pytest.param({"last_success_at": before(hours=7)}, [], id="not used for hours"),
        pytest.param({"last_success_at": before(hours=9), "last_failure_at": before(hours=8)}, [], id="not used since it failed"),
        pytest.param({"last_success_at": before(hours=1), "last_failure_at": before(minutes=1)}, [], id="one failure"),
    ],
)  # fmt: skip
def test_a_connectors_queue(queue: dict[str, object], found: list[str]) -> None:
    """Each alarm of a connector names it, so that it takes another way."""
    seen = Watched(queues=(Queue(connector="pd", **queue),))  # type: ignore[arg-type]
    assert names(seen) == found
    assert all(alarm.connector == "pd" for alarm in judge(seen, NOW))


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        pytest.param({"undecided_since": before(seconds=30)}, [], id="half a minute for a decision"),
        pytest.param({"undecided_since": before(seconds=31)}, [("undecided", C)], id="longer: intake is blind"),
        pytest.param({"undecided_since": before(hours=2), "awake_since": before(seconds=20)}, [], id="S46: the hub is only just up again"),
        pytest.param({"undecided_since": before(hours=2), "awake_since": before(seconds=31)}, [("undecided", C)], id="up, and still not decided"),
        pytest.param({"timer_due": before(seconds=60)}, [], id="a timer, due for a minute"),
        pytest.param({"timer_due": before(seconds=61)}, [("timers-late", C)], id="a timer, due for longer"),
        pytest.param({"timer_due": before(seconds=61), "held": True, "queues": (Queue(connector="pd", due_since=before(hours=1)),)}, [], id="S48: everything waits on purpose"),
        pytest.param({"timer_due": before(seconds=-300)}, [], id="a timer of the future"),
        pytest.param({"hook_since": before(seconds=61)}, [("webhooks-late", H)], id="a webhook that nobody works off"),
        pytest.param({"weeks_missing": ("event",)}, [("partitions", H)], id="no partition for next week"),
        pytest.param({"silent": (Silent(id="n2", name="hub2:8000", seen_at=T0),)}, [("node-silent/n2", M)], id="a node fell silent"),
        pytest.param({"certificates": {"smtp.example.com": NOW + timedelta(days=15)}}, [], id="a certificate, good for a while"),
        pytest.param({"certificates": {"smtp.example.com": NOW + timedelta(days=13)}}, [("certificate-ends/smtp.example.com", L)], id="a certificate ends in two weeks"),
        pytest.param({"certificates": {"smtp.example.com": NOW + timedelta(days=2)}}, [("certificate-ends/smtp.example.com", M)], id="in three days"),
        pytest.param({"certificates": {"smtp.example.com": NOW - timedelta(days=2)}}, [("certificate-ends/smtp.example.com", M)], id="it has ended"),
    ],
)  # fmt: skip
def test_what_all_nodes_share(seen: dict[str, object], found: list[tuple[str, Severity]]) -> None:
    alarms = judge(Watched(**seen), NOW)  # type: ignore[arg-type]
    assert [(alarm.key, alarm.severity) for alarm in alarms] == found


@pytest.mark.parametrize(
    ("life", "left", "found"),
    [
        pytest.param(timedelta(days=365), timedelta(days=15), False, id="a year's token, in time"),
        pytest.param(timedelta(days=365), timedelta(days=13), True, id="two weeks before its end"),
        pytest.param(timedelta(days=9), timedelta(days=9), False, id="a short one, just made"),
        pytest.param(timedelta(days=9), timedelta(days=2), True, id="in the last third of its life"),
        pytest.param(timedelta(days=365), timedelta(0), False, id="it has ended: its user knows by now"),
    ],
)
def test_a_token_that_ends(life: timedelta, left: timedelta, found: bool) -> None:
    token = Ending(id="t1", name="cron", made_at=NOW + left - life, expires_at=NOW + left)
    assert names(Watched(tokens=(token,))) == (["token-ends/t1"] if found else [])


@pytest.mark.parametrize(
    ("free", "size", "severity"),
    [
        pytest.param(20 * GIB, 100 * GIB, None, id="plenty"),
        pytest.param(4 * GIB, 100 * GIB, H, id="less than a twentieth"),
        pytest.param(11 * GIB, 1000 * GIB, None, id="a little of very much is enough"),
        pytest.param(GIB // 2, 8 * GIB, H, id="less than one GiB"),
        pytest.param(GIB // 5, 8 * GIB, C, id="next to nothing"),
    ],
)
def test_the_disk(free: int, size: int, severity: Severity | None) -> None:
    found = judge_disk(Disk(node="hub1:8000", folder="/var/lib/tocsin", free=free, size=size))
    assert [alarm.severity for alarm in found] == ([severity] if severity else [])


def alarm(key: str) -> Alarm:
    return Alarm(key=key, title=key, text="")


@pytest.mark.parametrize(
    ("found", "earlier", "going_on", "sound", "over"),
    [
        pytest.param(["undecided"], None, [], [], [], id="the first look raises nothing"),
        pytest.param([], None, ["undecided"], [], [], id="and clears nothing: a restart ends no alarm"),
        pytest.param(["undecided"], [], [], [], [], id="seen once"),
        pytest.param(["undecided"], ["undecided"], [], ["undecided"], [], id="seen twice in a row"),
        pytest.param(["undecided"], [], ["undecided"], ["undecided"], [], id="it goes on: its words are the latest"),
        pytest.param([], ["undecided"], ["undecided"], [], [], id="missed once"),
        pytest.param([], [], ["undecided"], [], ["undecided"], id="missed twice in a row"),
        pytest.param([], [], ["refused/pd", "webhook-unproven/pd"], [], [], id="others' alarms are theirs to end"),
    ],
)  # fmt: skip
def test_two_looks_in_a_row_agree(
    found: list[str], earlier: list[str] | None, going_on: list[str], sound: list[str], over: list[str]
) -> None:
    """What a pause of the machine left behind is caught up between two looks, and is no alarm."""
    raised, ended = changes([alarm(key) for key in found], earlier, going_on)
    assert ([a.key for a in raised], ended) == (sound, over)


def test_what_keeps_a_page_from_leaving() -> None:
    """These stop the heartbeat; a slow provider or a token that ends does not."""
    keys = [
        "outbox-stuck/pd",
        "undecided",
        "timers-late",
        "secret-key",
        "queue-slow/pd",
        "token-ends/x",
        "partitions",
    ]
    assert cannot_page(map(alarm, keys)) == keys[:3]
