"""What a digest collects, how it reads, and what promotes an alert out of it (S23)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.digest import Entry, period_end, subject_of, text_of
from tocsin.core.model import AlertStatus
from tocsin.core.policy import MuteKind, Promotion, RouteKind, RoutingRule, TimedMute
from tocsin.core.severity import Severity
from tocsin.core.situation import Decision

from .deciding import asked, decided, heard, kinds, repeated
from .values import ALWAYS, T0, C, H, L, M, SeverityIs, alert, at, create, policy

DROPPED = AlertStatus.DROPPED
EVERY = timedelta(hours=1)


def under(kind: RouteKind = RouteKind.DIGEST, when: Any = ALWAYS, **promote: Any) -> Any:
    """One rule that keeps quiet before everything is paged."""
    more: dict[str, Any] = {"digest_to": ("mail",), "digest_every": EVERY} if kind is RouteKind.DIGEST else {}
    rule = RoutingRule(
        name="quiet ones", when=when, kind=kind, promote=Promotion(**promote) if promote else None, **more
    )
    usual = policy()
    return policy(routing=(rule, *usual.routing))


def known(severity: Severity = L, **more: Any) -> Any:
    """An alert that was decided and kept quiet before."""
    return alert(DROPPED, severity=severity, sender_severity=severity, muted_by='for the digest, by the rule "quiet ones"', **more)  # fmt: skip


def say(
    severity: Severity, *, before: Any = None, now: datetime = T0, policy: Any = None, **more: Any
) -> Decision:
    """One event of that severity: of a new alert, or one more of `before`."""
    subject = before or alert()
    said = repeated(create(severity=severity)) if before else heard(create(severity=severity))
    return decided(subject, said, under=policy or under(), now=now, **more)


@pytest.mark.parametrize(
    ("now", "every", "end"),
    [
        pytest.param("10:00:00", "1h", "11:00:00", id="on the hour: the next one"),
        pytest.param("10:59:59", "1h", "11:00:00", id="just before the hour"),
        pytest.param("10:07:00", "15m", "10:15:00", id="a quarter"),
        pytest.param("10:00:01", "24h", "+1 00:00:00", id="a day ends at midnight UTC"),
        pytest.param("10:00:01", "7d", "+5 00:00:00", id="a week ends on Monday"),
    ],
)
def test_periods_are_whole(now: str, every: str, end: str) -> None:
    """T0's day is a Wednesday."""
    units = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
    days, _, clock = end.rpartition(" ")
    midnight = datetime(2026, 11, 18, tzinfo=UTC)
    at_clock = lambda text: midnight + timedelta(**dict(zip(("hours", "minutes", "seconds"), map(int, text.split(":")), strict=True)))  # fmt: skip
    wanted = at_clock(clock) + timedelta(days=int(days or 0))
    assert period_end(at_clock(now), int(every[:-1]) * units[every[-1]]) == wanted


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas(timedelta(minutes=1), timedelta(days=31)))
def test_a_period_ends_after_now_and_within_its_length(now: datetime, every: timedelta) -> None:
    try:
        end = period_end(now, every)
    except OverflowError:
        return  # the end of time
    assert now < end <= now + every


def test_it_opens_no_incident_and_is_collected() -> None:
    """S23: and it shows what it would have paged."""
    decision = say(L)
    assert decision.incident is None
    assert decision.alert.status is DROPPED
    assert decision.collected is not None
    assert (decision.collected.name, decision.collected.to) == ("quiet ones", ("mail",))
    assert decision.collected.due == at(hours=1)
    assert decision.collected.would_page == ("pd", "og")


def test_a_look_without_news_collects_nothing() -> None:
    """What was in the last period and is only looked at is not told again."""
    assert decided(known(), (), under=under(), now=at(hours=2)).collected is None
    assert say(L, before=known(), now=at(hours=2)).collected is not None


def test_what_is_muted_besides_is_in_no_digest() -> None:
    """S7: a silence keeps it from everybody; when it ends, what still fires is collected."""
    mute = TimedMute(kind=MuteKind.SILENCE, id="a", name="a", when=ALWAYS, owner="di", comment="x", start=T0, end=at(hours=1))  # fmt: skip
    decision = decided(alert(sender_severity=L), heard(create(severity=L)), under=under(), mutes=(mute,))
    assert decision.collected is None
    assert "silence" in decision.alert.muted_by
    after = decided(decision.alert, (), under=under(), now=at(hours=1), mutes=(mute,))
    assert after.collected is not None


@pytest.mark.parametrize("kind", [RouteKind.DIGEST, RouteKind.SUPPRESS])
@pytest.mark.parametrize(
    ("promote", "before", "severity", "hours", "why"),
    [
        pytest.param({}, known(), M, 0, "rose", id="it gets worse, although the rule still takes it"),
        pytest.param({}, known(M), L, 0, "", id="a fall promotes nothing"),
        pytest.param({"count": 3}, known(count=3), L, 0, "count", id="the third repeat"),
        pytest.param({"count": 3}, known(count=2), L, 0, "", id="not the second"),
        pytest.param({"age": timedelta(hours=24)}, known(), L, 24, "age", id="old enough"),
        pytest.param({"age": timedelta(hours=24)}, known(), L, 23.99, "", id="not old enough"),
        pytest.param({}, known(count=999), L, 999, "", id="without limits neither count nor age"),
    ],
)
def test_what_promotes(
    kind: RouteKind, promote: dict[str, Any], before: Any, severity: Severity, hours: float, why: str
) -> None:
    """S23: worse severity, `count` or `age` makes an incident of it, and the timeline says why."""
    decision = say(severity, before=before, now=at(hours=hours), policy=under(kind, **promote))
    told = [line.reason for line in decision.lines if line.kind == "promoted"]
    assert told == ([why] if why else [])
    assert decision.opened is bool(why)
    assert asked(decision) == (["pd"] if why else [])


def test_age_is_looked_at_without_a_word_of_the_sender() -> None:
    """S23: `look_again_at` is when it will be old enough."""
    rules = under(age=timedelta(hours=24))
    assert say(L, policy=rules).look_again_at == at(hours=24)
    assert decided(known(), (), under=rules, now=at(hours=24)).opened


def test_a_promoted_alert_that_gets_worse_pages_although_its_rule_is_quiet() -> None:
    """S6: a rise routes again at once."""
    opened = say(M, before=known())
    assert opened.incident is not None
    worse = decided(opened.alert, repeated(create(severity=H)), under=under(), incident=opened.incident)
    assert asked(worse) == ["pd"]
    assert "severity_rose" in kinds(worse)


def test_one_that_no_rule_keeps_quiet_is_not_promoted() -> None:
    decision = say(C, before=known(), policy=under(when=SeverityIs(L)))
    assert decision.opened
    assert "promoted" not in kinds(decision)


def test_a_digest_that_could_not_be_delivered_takes_the_default_route() -> None:
    """S23: its alarm is asked about by no rule, or it would go into the digest again."""
    alarm = alert(integration="tocsin", scope="tocsin", dedup_key="digest/7")
    assert asked(decided(alarm, heard(create("digest/7", severity=L)), under=under())) == ["pd"]
    other = alert(integration="tocsin", scope="tocsin", dedup_key="refused/pd")
    assert not asked(decided(other, heard(create("refused/pd", severity=L)), under=under()))


def entry(title: str = "Cache is cold", **more: Any) -> Entry:
    return Entry(**{"title": title, "service": "web", "severity": L, "times": 1, "first_at": at(5), "last_at": at(65), "would_page": ("pd", "og"), **more})  # fmt: skip


def test_how_a_digest_reads() -> None:
    """S23: by service and severity with counts, first and last time, and whom it would have paged."""
    entries = [
        entry(),
        entry("Queue grows", times=40, first_at=at(1), last_at=at(minutes=50), resolved=True),
        entry("Disk fills", service="database", severity=M, incident="INC-7", would_page=()),
        entry("No service", service="", severity=L),
    ]
    assert (
        subject_of("the quiet ones", entries)
        == "Digest “the quiet ones”: 4 alerts of 2 services, the worst medium"
    )
    head, *lines = text_of("the quiet ones", entries, T0, at(hours=1)).splitlines()
    assert head.startswith("4 alerts, heard 43 times, from 2026-11-18 10:00 to 2026-11-18 11:00 UTC. ")
    assert lines == [
        "",
        "SERVICE   SEVERITY  ALERTS  TIMES  FIRST     LAST      WOULD HAVE PAGED",
        "database  medium    1       1      10:00:05  10:01:05  nobody",
        "(none)    low       1       1      10:00:05  10:01:05  pd, og",
        "web       low       2       41     10:00:01  10:50:00  pd, og",
        "",
        "The alerts, the worst first:",
        "  10:01:05  medium    database: Disk fills (now INC-7)",
        "  10:01:05  low       No service",
        "  10:50:00  low       web: Queue grows (40 times, resolved)",
        "  10:01:05  low       web: Cache is cold",
    ]


def test_a_large_digest_names_a_hundred_and_counts_all() -> None:
    text = text_of("d", [entry(f"Alert {n}") for n in range(250)], T0, at(hours=1))
    assert text.startswith("250 alerts, heard 250 times")
    assert text.endswith("  and 150 more\n")
    assert len(text.splitlines()) == 107


def test_s23_a_review_asks_whether_its_rule_is_still_right() -> None:
    """S23: the same table as a digest's, and what to do about the rule."""
    entries = [Entry(title="Cache", service="web", severity=Severity.LOW, times=3, first_at=T0, last_at=T0)]
    assert subject_of("dev", entries, review=True) == "Review of “dev”: 1 alert of 1 service, the worst low"
    text = text_of("dev", entries, T0, T0 + timedelta(days=30), review=True)
    assert "The rule “dev” suppressed it: is that still right?" in text
    assert "suppressed it" not in text_of("dev", entries, T0, T0 + timedelta(days=30))
