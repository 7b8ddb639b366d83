"""Figures are right over nodes and restarts, and what is documented and shown is what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
import yaml

from tocsin.core.allowance import Allowance
from tocsin.core.ports import FaultKind, Request, Response, WireFault
from tocsin.engine import hours as fared
from tocsin.engine import line
from tocsin.store import hours
from tocsin.store.database import Connection

if TYPE_CHECKING:
    from conftest import Office

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/monitoring"
NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
NAME = "prod-pagerduty"
_INCIDENT = UUID(int=1)


async def attempt(
    office: Office, at: datetime, *, outcome: str = "accepted", took_ms: float = 100.0, name: str = NAME
) -> None:
    async def write(connection: Connection) -> None:
        await connection.execute(
            "INSERT INTO delivery (at, effect, incident_id, connector, kind, attempt, outcome, took_ms) VALUES ($1, 1, $2, $3, 'create', 1, $4, $5)",
            at, _INCIDENT, name, outcome, took_ms,
        )  # fmt: skip

    await office.hub.database.transact(write)


async def hook(office: Office, at: datetime, *, state: str = "done") -> None:
    async def write(connection: Connection) -> None:
        await connection.execute(
            "INSERT INTO hook (id, received_at, connector, state, headers, body) VALUES (gen_random_uuid(), $1, $2, $3, '{}', '')",
            at, NAME, state,
        )  # fmt: skip

    await office.hub.database.transact(write)


async def roll(office: Office) -> None:
    await fared.roll(office.hub)


async def test_a_window_is_the_same_before_and_after_its_hours_were_added_up(office: Office) -> None:
    for n in range(60):
        await attempt(
            office,
            office.at - timedelta(minutes=37 * n),
            outcome="retry" if n % 10 == 9 else "accepted",
            took_ms=100 + n,
        )
        await hook(
            office, office.at - timedelta(minutes=37 * n), state="quarantined" if n % 20 == 0 else "done"
        )
    seen = []
    for _ in range(3):
        seen.append(
            [
                await office.get(f"/api/v1/connectors/{NAME}/metrics?window={window}")
                for window in ("1h", "24h", "90m", "7d")
            ]
        )
        await roll(office)
    assert seen[0] == seen[1] == seen[2]
    hour, day, *_, week = seen[0]
    assert (hour["attempts"], hour["webhook_events"]) == (2, 1)
    assert (day["attempts"], day["taken"]) == (39, 36)
    assert day["success_rate"] == pytest.approx(36 / 39)
    assert week["attempts"] == 60
    assert week["webhook_events"] + week["webhooks_quarantined"] == 60
    assert week["webhooks_quarantined"] == 3


async def test_a_clock_set_back_adds_its_hour_up_again(office: Office) -> None:
    await attempt(office, office.at - timedelta(hours=3))
    await roll(office)
    await attempt(office, office.at - timedelta(hours=3))
    assert (await office.get(f"/api/v1/connectors/{NAME}/metrics"))["attempts"] == 1
    await office.hub.database.transact(
        lambda c: c.execute("UPDATE rolled SET until = until - interval '200 min'")
    )
    assert (await office.get(f"/api/v1/connectors/{NAME}/metrics"))["attempts"] == 2
    await roll(office)
    assert (await office.get(f"/api/v1/connectors/{NAME}/metrics"))["attempts"] == 2


CALLS: dict[str, tuple[Response | WireFault, str]] = {
    "ok": (
        Response(202, {"ratelimit-limit": "960", "ratelimit-remaining": "240", "ratelimit-reset": "30"}),
        "ok",
    ),
    "refused": (Response(404), "refused"),
    "throttled": (Response(429), "throttled"),
    "failed": (Response(503), "failed"),
    "unreachable": (WireFault(FaultKind.CONNECT, "refused"), "unreachable"),
    "no answer": (WireFault(FaultKind.AMBIGUOUS, "broke off"), "no_answer"),
}


async def test_calls_of_all_nodes_are_counted_by_what_came_of_them(office: Office) -> None:
    connector = office.hub.policy.connectors[NAME]
    for answer, _ in CALLS.values():
        line.note(office.hub, connector, Request(method="GET", url="https://x.example"), answer, 120.0)
    for _ in range(2):  # as another node would, and the same one later
        assert await fared.give(office.hub) is (_ == 0)
    line.note(office.hub, connector, Request(method="GET", url="https://x.example"), CALLS["ok"][0], 80.0)
    await fared.give(office.hub)

    found = await office.get(f"/api/v1/connectors/{NAME}/metrics?window=1h")
    assert found["calls"] == 7
    assert found["calls_by_outcome"] == {
        "ok": 2,
        "refused": 1,
        "throttled": 1,
        "failed": 1,
        "unreachable": 1,
        "no_answer": 1,
    }
    assert set(line.OUTCOMES) == {outcome for _, outcome in CALLS.values()}
    office.pass_time(hours=1, minutes=6)
    assert (await office.get(f"/api/v1/connectors/{NAME}/metrics?window=1h"))["calls"] == 0


async def test_what_cannot_be_given_is_counted_later(office: Office) -> None:
    hub = office.hub
    hub.counted.call(NAME, "ok", 10)
    hub.counted.allowances[NAME] = (office.at, Allowance(limit=10, remaining=5))
    hub.counted.webhook(NAME, "stranger")
    counts = hub.counted.taken()
    hub.counted.call(NAME, "ok", 10)
    hub.counted.back(counts)
    await fared.give(hub)
    found = await office.get(f"/api/v1/connectors/{NAME}/metrics")
    assert (found["calls"], found["webhooks_by_result"]) == (2, {"stranger": 1})


LIMITS = {
    "its fresh word": (
        Allowance(limit=960, remaining=240, resets_in=timedelta(seconds=30)),
        0,
        ("provider", 0.75, 240),
    ),
    "begun anew since": (
        Allowance(limit=960, remaining=240, resets_in=timedelta(seconds=30)),
        60,
        ("provider", 0.0, 960),
    ),
    "throttled": (Allowance(throttled=True), 0, ("provider", 1.0, 0)),
    "too old": (Allowance(limit=960, remaining=0), 300, ("own", 0.0, 60)),
    "no figures": (Allowance(), 0, ("own", 0.0, 60)),
}


def test_how_much_of_a_limit_is_used(office: Office) -> None:
    at = office.at
    for name, (said, later, told) in LIMITS.items():
        resets = at + said.resets_in if said.resets_in else None
        seen = hours.Told(
            seen_at=at, limit=said.limit, remaining=said.remaining, resets_at=resets, throttled=said.throttled
        )
        office.at = at + timedelta(seconds=later)
        limit = fared.limit_of(office.hub, NAME, seen, None)
        assert (limit.by, limit.used, limit.remaining) == (told[0], pytest.approx(told[1]), told[2]), name


async def test_a_window_that_cannot_be_is_named(office: Office) -> None:
    for window in ("1s", "91d", "soon", ""):
        answer = await office.ask("GET", f"/api/v1/connectors/{NAME}/metrics?window={window}")
        assert answer.status_code in (400, 422), window
        assert answer.json()["faults"][0]["field"] == "window"
    assert (await office.ask("GET", "/api/v1/connectors/nobody/metrics")).status_code == 404


async def test_the_overview_tells_how_far_pages_come(office: Office) -> None:
    await office.incident()
    found = await office.get("/api/v1/metrics?window=1h")
    assert found["incidents"]["open"] == 1
    assert found["pages"]["asked"] >= 1
    assert found["pages"]["accepted"] == 0
    assert found["hours"] == []


# ---- Prometheus --------------------------------------------------------------------------------------------


async def series(office: Office) -> dict[str, tuple[str, set[str]]]:
    """Name as Prometheus knows it -> (type, labels) of everything that /metrics says when everything was met."""
    connector = office.hub.policy.connectors[NAME]
    line.note(office.hub, connector, Request(method="GET", url="https://x.example"), CALLS["ok"][0], 120.0)
    office.hub.counted.webhook(NAME, "accepted")
    office.rest.state.metrics.events.labels("new").inc()
    await attempt(office, office.at + timedelta(seconds=1))
    await hook(office, office.at + timedelta(seconds=1))
    for tell in office.hub.refused.counted:
        tell("api", next(iter(__import__("tocsin.core.refused", fromlist=["Full"]).Full)))
    await office.get("/api/v1/health")
    office.pass_time(seconds=10)
    text = (await office.ask("GET", "/metrics")).text
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    found: dict[str, tuple[str, set[str]]] = {}
    for name, kind in types.items():
        if name.endswith("_created"):
            continue
        sample = re.search(rf"^{name}(?:_bucket)?(?:{{(.*)}})? ", text, re.MULTILINE)
        assert sample, f"{name} has no sample: {text}"
        found[name] = (kind, set(re.findall(r"(\w+)=", sample.group(1) or "")) - {"le"})
    return found


async def test_every_series_is_documented_as_it_is(office: Office) -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) ?\| (.+) \|$",
        (ROOT / "docs/metrics.md").read_text(),
        re.MULTILINE,
    )
    documented = {
        name: (kind, {label for label in labels.replace(" ", "").split(",") if label})
        for name, kind, labels, _ in rows
    }
    found = await series(office)
    assert documented == found
    for name, (kind, _) in found.items():  # https://prometheus.io/docs/practices/naming/ (2026-11-20)
        assert name.startswith("tocsin_")
        assert (kind == "counter") is name.endswith("_total")
        assert kind != "histogram" or name.endswith("_seconds")


def expressions() -> list[tuple[str, str]]:
    """(where it stands, the expression) of each panel and rule."""
    board = json.loads((EXAMPLES / "dashboard.json").read_text())
    found = [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((EXAMPLES / "rules.yml").read_text())
    return found + [(rule["alert"], rule["expr"]) for group in rules["groups"] for rule in group["rules"]]


async def test_every_expression_names_series_and_labels_that_exist(office: Office) -> None:
    known = await series(office)
    for where, expression in expressions():
        names = set(re.findall(r"tocsin_\w+", expression))
        assert names, where
        labels: set[str] = set()
        for name in names:
            kind, own = known[re.sub(r"_(bucket|sum|count)$", "", name)]
            assert not name.endswith("_bucket") or kind == "histogram", where
            labels |= own
        used = set(re.findall(r"(\w+)=~?\"", expression)) | {
            label
            for by in re.findall(r"by \(([^)]*)\)", expression)
            for label in by.replace(" ", "").split(",")
        }
        assert used - {"le", "job"} <= labels, where


def test_every_rule_says_what_and_what_next() -> None:
    (group,) = yaml.safe_load((EXAMPLES / "rules.yml").read_text())["groups"]
    assert len({rule["alert"] for rule in group["rules"]}) == len(group["rules"]) > 10
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in ("critical", "high", "medium", "low")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


def test_prometheus_takes_the_rules() -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not here: apt install prometheus")
    ran = subprocess.run(
        [promtool, "check", "rules", str(EXAMPLES / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_panels_do_not_lie_over_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads((EXAMPLES / "dashboard.json").read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
