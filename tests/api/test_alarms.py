"""What does the API say of the hub's own alarms and of its nodes?"""

from uuid import UUID

from tocsin.core.alarm import Alarm
from tocsin.core.severity import Severity
from tocsin.engine import alarm
from tocsin.engine.decider import decide_some
from tocsin.store import nodes

from .conftest import Office
from .test_health import sample

SLOW = Alarm(
    key="queue-slow/prod-opsgenie",
    title="prod-opsgenie is 7 min behind",
    text="Look",
    connector="prod-opsgenie",
)
ENDS = Alarm(key="token-ends/1", title="The API token cron ends", text="Make one", severity=Severity.LOW)


async def sound(office: Office, *alarms: Alarm) -> None:
    for one in alarms:
        await alarm.sound(office.hub, one)
        office.pass_time(seconds=1)
    while await alarm.tell(office.hub) or await decide_some(office.hub):
        pass


async def test_alarms_are_listed_with_their_incident(office: Office) -> None:
    """Those that go on, the last raised first; one that is over is asked for."""
    await sound(office, SLOW, ENDS)
    await alarm.clear(office.hub, ENDS.key)
    going_on = (await office.get("/api/v1/alarms"))["items"]
    over = (await office.get("/api/v1/alarms?state=over"))["items"]

    assert [(a["key"], a["connector"], a["severity"], a["cleared_at"]) for a in going_on] == [
        ("queue-slow/prod-opsgenie", "prod-opsgenie", "high", None)
    ]
    incident = await office.get(f"/api/v1/incidents/{going_on[0]['incident']}")
    assert incident["title"] == SLOW.title
    assert [a["key"] for a in over] == [ENDS.key]


async def test_a_list_of_alarms_goes_on_by_cursor(office: Office) -> None:
    await sound(office, SLOW, ENDS)
    first = await office.get("/api/v1/alarms?state=all&limit=1")
    rest = await office.get(f"/api/v1/alarms?state=all&limit=1&cursor={first['next_cursor']}")

    assert [a["key"] for a in (*first["items"], *rest["items"])] == [ENDS.key, SLOW.key]
    assert rest["next_cursor"] is None
    assert (await office.ask("GET", "/api/v1/alarms?state=loud")).status_code == 422
    assert (await office.ask("GET", "/api/v1/alarms", scope="intake")).status_code == 403


async def test_health_names_what_is_serious(office: Office) -> None:
    """A token that ends soon is listed and degrades nothing."""
    await sound(office, ENDS)
    quiet = await office.get("/api/v1/health")
    await sound(office, SLOW)
    loud = await office.get("/api/v1/health")

    assert (quiet["system_status"], [a["key"] for a in quiet["alarms"]]) == ("healthy", [ENDS.key])
    assert (loud["system_status"], loud["reasons"]) == ("degraded", [SLOW.title])
    assert [a["key"] for a in loud["alarms"]] == [ENDS.key, SLOW.key], "the longest first"


async def test_nodes_are_shown_with_the_one_on_duty(office: Office) -> None:
    """One that fell silent stands there too, until it is forgotten."""
    database, at = office.hub.database, office.at
    for number, role in ((1, "all"), (2, "api")):
        name = f"hub{number}:8000"
        node = UUID(int=number)
        await database.transact(
            lambda c, n=node, r=role, s=name: nodes.here_i_am(c, n, r, "h", at, name=s, version="1")
        )
    assert await database.transact(lambda c: nodes.take_duty(c, UUID(int=1)))
    office.pass_time(seconds=20)
    await database.transact(lambda c: nodes.here_i_am(c, UUID(int=1), "all", "h", office.at))
    office.pass_time(seconds=20)
    shown = (await office.get("/api/v1/health"))["nodes"]

    assert [(n["name"], n["role"], n["up"], n["on_duty"]) for n in shown] == [
        ("hub1:8000", "all", True, True), ("hub2:8000", "api", False, False)
    ]  # fmt: skip


async def test_prometheus_reads_ages_alarms_and_nodes(office: Office) -> None:
    await sound(office, SLOW)
    await office.ask("POST", "/api/v1/alerts", {"title": "x"})
    office.pass_time(seconds=9)
    async with office.client(peer="127.0.0.1") as client:
        text = (await client.get("/metrics")).text

    assert sample(text, 'tocsin_alarms{severity="high"}') == 1
    assert sample(text, 'tocsin_alarms{severity="critical"}') == 0
    assert sample(text, 'tocsin_oldest_seconds{queue="decision"}') == 9
    assert sample(text, 'tocsin_oldest_seconds{queue="connector ops-mail"}') == 0
    assert sample(text, "tocsin_on_duty") == 0
