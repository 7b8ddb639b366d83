"""Somebody has it, and nobody speaks of it any more: they are asked by digest in the morning (S24)."""

from datetime import timedelta

import pytest

from rig import Begin, Rig

# Web is the application team's, in Kolkata: Monday noon UTC is 17:30 there, and its business hours begin at 04:30 UTC.
SLOW = {
    "title": "Pages are slow",
    "source": "probe",
    "severity": "medium",
    "service_name": "web",
    "dedup_key": "slow",
}


async def held_by_ed(rig: Rig) -> None:
    await rig.alert(**SLOW)
    await rig.quiet()
    await rig.taken_at_pagerduty("ed@example.com")
    await rig.quiet()


async def silent_for_a_day(rig: Rig) -> None:
    await held_by_ed(rig)
    await rig.advance(hours=24)
    await rig.until(lambda: told(rig, "silent"), "the timeline says that it is silent")
    await rig.quiet()


async def told(rig: Rig, kind: str) -> list[str]:
    return [line["text"] for line in await rig.timeline() if line["kind"] == kind]


async def asked(rig: Rig) -> list[dict[str, str]]:
    return [mail for mail in await rig.mails() if mail["subject"].startswith("Is it over?")]


async def test_s24_its_holder_is_asked_in_the_morning_and_never_paged(begin: Begin) -> None:
    """S24: silent on Tuesday at noon: Ed is asked on Wednesday at 10:00 in Kolkata, by mail, once; PagerDuty does not ring.
    Nothing happens: again on Thursday. He resolves it: never again."""
    rig = await begin()
    await silent_for_a_day(rig)
    (line,) = await told(rig, "silent")
    assert "Ed is asked by digest whether it is over, Wed 18 Nov 10:00 Asia/Kolkata" in line
    (waits,) = (await rig.call("GET", "/api/v1/digests", want=200))["items"]
    assert (waits["state"], waits["holder"], waits["incidents"]) == ("collecting", "Ed", 1)
    assert waits["ends_at"] == "2026-11-18T04:30:00Z"
    problem = await rig.call("POST", "/api/v1/digests/silent: Ed/send", {}, want=409)
    assert "business hours" in problem["detail"]
    await rig.advance(hours=16)
    await rig.quiet()
    assert await asked(rig) == [], "not at night, and not half an hour early"

    await rig.advance(minutes=30)
    await rig.until(lambda: asked(rig), "Ed is asked")
    await rig.quiet()
    (mail,) = await asked(rig)
    assert mail["subject"] == "Is it over? INC-1 is acknowledged and silent: Pages are slow"
    assert "Acknowledged by Ed since 2026-11-16 12:00 UTC" in mail["text"]
    assert str(mail).count("ed@example.com"), "it went to him"
    (sent,) = (await rig.call("GET", "/api/v1/digests?name=silent: Ed&limit=5", want=200))["items"][1:]
    assert (sent["state"], sent["incidents"], sent["delivered"]) == ("sent", 1, {"ops-mail": "done"})
    (line,) = await told(rig, "holder_asked")
    assert line.startswith("Ed is asked by ops-mail whether it is over")

    await rig.advance(hours=24)

    async def twice() -> bool:
        return len(await asked(rig)) == 2

    await rig.until(twice, "he is asked on Thursday again")
    await rig.quiet()
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)
    (line,) = await told(rig, "asking_withdrawn")
    assert line.endswith("it is resolved now")
    await rig.advance(hours=48)
    await rig.quiet()
    assert len(await asked(rig)) == 2
    assert [page["notification_count"] for page in await rig.pagerduty()] == [1], "nobody was rung for it"


async def test_s24_what_speaks_again_before_the_morning_asks_nobody(begin: Begin) -> None:
    """An identical repeat in the night, which is only counted, is enough; the timeline says so in the morning."""
    rig = await begin()
    await silent_for_a_day(rig)
    await rig.advance(hours=10)
    await rig.alert(**SLOW)
    await rig.quiet()
    await rig.advance(hours=6, minutes=30)
    await rig.until(lambda: told(rig, "asking_withdrawn"), "it is told")
    await rig.quiet()
    (line,) = await told(rig, "asking_withdrawn")
    assert line.endswith("it was heard of at 2026-11-17 22:00 UTC")
    assert await asked(rig) == []


@pytest.mark.parametrize(
    ("act", "body"),
    [
        pytest.param("notes", {"text": "waiting for the vendor"}, id="a note"),
        pytest.param("acknowledge", {}, id="acknowledged once more"),
        pytest.param("snooze", {"for": "2d"}, id="snoozed"),
    ],
)
async def test_s24_whoever_acts_is_not_asked(begin: Begin, act: str, body: dict[str, str]) -> None:
    """An act in the evening withdraws the question of the next morning, and says so at once."""
    rig = await begin()
    await silent_for_a_day(rig)
    answer = await rig.http.post(f"{rig.daemon.url}/api/v1/incidents/INC-1/{act}", json=body)
    assert answer.status in (200, 201)
    (line,) = await told(rig, "asking_withdrawn")
    assert "acted on it" in line
    await rig.quiet()
    await rig.advance(hours=16, minutes=30)
    await rig.quiet()
    assert await asked(rig) == []


async def test_s24_under_a_silence_nobody_is_asked(begin: Begin) -> None:
    """S7: a silence covers it on the first morning, which is told; on the second it is over, and Ed is asked."""
    rig = await begin()
    await silent_for_a_day(rig)
    ends = (rig.clock.at + timedelta(hours=24)).isoformat()
    body = {"match": {"service": "web"}, "ends_at": ends, "owner": "ada", "comment": "new cache"}
    await rig.call("POST", "/api/v1/silences", body, want=201)
    await rig.advance(hours=16, minutes=30)
    await rig.until(lambda: told(rig, "page_muted"), "the timeline says why nobody is asked")
    await rig.quiet()
    assert await asked(rig) == []
    await rig.advance(hours=24)
    await rig.until(lambda: asked(rig), "the silence is over")


async def test_s24_a_restart_forgets_no_question(begin: Begin) -> None:
    """The hub is down from the evening until after business hours begin: Ed is asked when it is back."""
    rig = await begin()
    await silent_for_a_day(rig)
    await rig.daemon.stop()
    await rig.advance_without_hub(hours=18)
    await rig.start_hub()
    await rig.until(lambda: asked(rig), "Ed is asked")
    await rig.quiet()
    assert len(await asked(rig)) == 1


async def test_s24_a_question_that_cannot_be_delivered_is_a_low_alarm(begin: Begin) -> None:
    """S23: the mail server is broken twice: the default route is told, low, what nobody could be asked."""
    rig = await begin()
    await silent_for_a_day(rig)
    await rig.fault("smtp", "refused")
    await rig.advance(hours=16, minutes=30)
    await rig.until(lambda: told(rig, "holder_asked"), "Ed is to be asked")
    await rig.quiet()
    await rig.advance(minutes=1)

    async def alarmed() -> bool:
        listed = (await rig.call("GET", "/api/v1/incidents"))["items"]
        return any(
            one["title"].startswith("Not delivered: Is it over?") and one["severity"] == "low"
            for one in listed
        )

    await rig.until(alarmed, "the alarm is an incident")
