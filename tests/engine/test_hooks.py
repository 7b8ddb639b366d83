"""The way back: who may call, and that nothing which may come breaks or doubles anything."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tocsin.core.errors import NotAllowed, NotFound, Unavailable
from tocsin.core.ports import Request
from tocsin.engine import hooks
from tocsin.engine.hooks import Quarantined

from .conftest import OpenNode
from .office import CONFIG, ENVIRONMENT, Office, create

TOKEN = ENVIRONMENT["BELL_TOKEN"]


def told(kind: str, *, signature: str | None = TOKEN, body: bytes | None = None, **more: Any) -> Request:
    change = {"kind": kind, "delivery_id": "", "person": "Bo", "raw_type": kind, **more}
    headers = {"content-type": "application/json", "authorization": "Bearer not-for-keeping"}
    if signature is not None:
        headers["x-signature"] = signature
    return Request(
        method="POST",
        headers=headers,
        query="token=not-for-keeping",
        body=body or json.dumps(change).encode(),
    )


async def work_off(office: Office) -> None:
    for _ in range(20):
        if not await hooks.work_off(office.hub):
            return
    raise AssertionError("webhooks never come to an end")


async def remote_id(office: Office) -> str:
    return str(await office.value("SELECT remote_id FROM remote"))


async def apply(office: Office, kind: str, **more: Any) -> str:
    """Receive one and work it off; its outcome."""
    hook = await hooks.receive(
        office.hub, "east", told(kind, **{"remote_id": await remote_id(office), **more})
    )
    await work_off(office)
    return str(await office.value("SELECT outcome FROM hook WHERE id = $1", hook))


async def status_of(office: Office) -> str:
    return str(await office.value("SELECT status FROM incident WHERE number = 1"))


async def test_an_acknowledgement_comes_back(office: Office) -> None:
    """Stored first, applied after: the incident is acknowledged by Bo, and the connector is known to call."""
    await office.page()
    await hooks.receive(office.hub, "east", told("acknowledged", remote_id=await remote_id(office)))

    assert await office.rows("SELECT state FROM hook") == [("pending",)]
    assert await status_of(office) == "open"
    await work_off(office)
    assert await office.rows("SELECT status, acknowledged_by FROM incident") == [("mitigated", "Bo")]
    assert await office.value("SELECT last_webhook_at FROM connector_state") == office.clock.at


async def test_a_wrong_signature_is_kept_aside(office: Office) -> None:
    """S45: The sender is asked to come again (503), the delivery is kept, nothing is applied, no secret is stored."""
    await office.page()
    with pytest.raises(Quarantined, match="kept aside"):
        await hooks.receive(office.hub, "east", told("resolved", signature="wrong", key="x"))
    await work_off(office)

    assert await office.rows("SELECT state FROM hook") == [("quarantined",)]
    assert await status_of(office) == "open"
    assert "not-for-keeping" not in str(await office.rows("SELECT row_to_json(h)::text FROM hook h"))


@pytest.mark.parametrize(
    ("connector", "refusal"),
    [
        pytest.param("east", NotAllowed, id="a stranger without a proof"),
        pytest.param("nowhere", NotFound, id="no such connector"),
        pytest.param("prometheus", NotFound, id="the name of an integration"),
        pytest.param("", NotFound, id="no name"),
    ],
)
async def test_a_stranger_stores_nothing(office: Office, connector: str, refusal: type[Exception]) -> None:
    """S45: Refused, and the disk stays as it was."""
    with pytest.raises(refusal):
        await hooks.receive(office.hub, connector, told("resolved", signature=None))

    assert await office.value("SELECT count(*) FROM hook") == 0


@pytest.mark.parametrize("signature", ["", TOKEN])
async def test_without_its_secrets_a_hub_believes_nobody(
    node: OpenNode, office: Office, signature: str
) -> None:
    """The secret key is lost: an empty secret must not become one that anybody knows."""
    lost = await node(key="quite another secret key")
    with pytest.raises(Unavailable):
        await hooks.receive(lost.hub, "east", told("resolved", signature=signature))

    assert await office.value("SELECT count(*) FROM hook") == 0


async def test_a_webhook_that_is_switched_off_does_not_exist(office: Office) -> None:
    """enable_webhook: false."""
    await office.configure(CONFIG.replace("type: bell,", "type: bell, enable_webhook: false,"))
    with pytest.raises(NotFound):
        await hooks.receive(office.hub, "east", told("resolved"))


async def test_a_doubled_delivery_is_applied_once(office: Office) -> None:
    """The same delivery id twice: one note, and the second says so."""
    await office.page()
    first = await apply(office, "note", note="replica promoted", delivery_id="d-1")
    second = await apply(office, "note", note="replica promoted", delivery_id="d-1")

    assert "Bo" in first
    assert second == "note: seen before"
    assert (await office.kinds()).count("note") == 1


async def test_a_late_acknowledgement_changes_nothing(office: Office) -> None:
    """It arrives after the resolve: the incident stays resolved, nobody is told anew."""
    await office.page()
    await apply(office, "resolved", delivery_id="d-2")
    calls = len(office.bell.calls)
    await apply(office, "acknowledged", delivery_id="d-1")
    await office.deliver()

    assert await status_of(office) == "resolved"
    assert len(office.bell.calls) == calls


async def test_out_of_order_reaches_the_same_end(office: Office) -> None:
    """Resolved, then created, acknowledged and notified in any order: resolved it is."""
    await office.page()
    for number, kind in enumerate(("resolved", "notified", "acknowledged", "triggered")):
        await apply(office, kind, delivery_id=f"d-{number}")

    assert await status_of(office) == "resolved"
    assert await office.value("SELECT notified_at FROM remote") == office.clock.at


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        pytest.param({"kind": "resolved", "remote_id": "unheard of"}, "no incident of ours", id="unknown incident"),
        pytest.param({"kind": "resolved"}, "no incident of ours (no id)", id="no incident at all"),
        pytest.param({"kind": "ping"}, "ping", id="a ping"),
        pytest.param({"kind": "other", "remote_id": "MINE", "raw_type": "incident.dreamt"}, "recorded", id="a kind nobody knows"),
        pytest.param({"kind": "exploded"}, "unreadable", id="unreadable: a word nobody knows"),
        pytest.param(b"\x00\xff not json", "unreadable", id="unreadable: bytes"),
        pytest.param(b"[]", "unreadable", id="unreadable: another shape"),
    ],
)  # fmt: skip
async def test_what_means_nothing_is_harmless(office: Office, change: Any, outcome: str) -> None:
    """Kept, settled with a reason, and the next one is worked off."""
    await office.page()
    if isinstance(change, bytes):
        request = told("x", body=change)
    else:
        mine = await remote_id(office)
        request = told(**{n: mine if v == "MINE" else v for n, v in change.items()})
    await hooks.receive(office.hub, "east", request)
    await work_off(office)

    assert outcome in str(await office.rows("SELECT outcome FROM hook"))
    assert await office.value("SELECT count(*) FROM hook WHERE state = 'pending'") == 0
    assert await status_of(office) == "open"
    await apply(office, "acknowledged", delivery_id="next")
    assert await status_of(office) == "mitigated"


async def test_our_own_write_coming_back_is_an_echo(office: Office) -> None:
    """The acknowledgement we sent is told back: no second act, no line, nothing sent; Bo's own is his."""
    await office.page()
    await apply(office, "triggered", delivery_id="d-0")
    kinds = await office.kinds()
    outcome = await apply(office, "triggered", delivery_id="d-1")

    assert "created there" in outcome or "our own write" in outcome
    assert await office.kinds() == kinds
    assert len(office.bell.calls) == 1


async def test_a_webhook_nobody_can_apply_holds_up_nobody(office: Office) -> None:
    """It fails five times and is set aside with its reason; the one behind it is applied."""
    await office.page()
    bad = await hooks.receive(
        office.hub,
        "east",
        told("note", remote_id=await remote_id(office), note="nul \x00", delivery_id="d-1"),
    )
    office.clock.at += timedelta(seconds=1)
    await hooks.receive(
        office.hub, "east", told("acknowledged", remote_id=await remote_id(office), delivery_id="d-2")
    )
    await work_off(office)

    (row,) = await office.rows(
        "SELECT state, attempts, outcome LIKE 'failed: %' FROM hook WHERE id = $1", bad
    )
    assert row == ("failed", 5, True)
    assert await status_of(office) == "mitigated"


async def test_a_change_by_our_key_names_the_remote(office: Office) -> None:
    """A provider that knows our key but told no id before: found by the key, and its id is learnt."""
    await office.say(create())
    await office.decide()
    key = await office.value("SELECT key FROM remote")
    await hooks.receive(office.hub, "east", told("triggered", key=key, remote_id="Q7", delivery_id="d-1"))
    await work_off(office)

    assert await office.rows("SELECT remote_id, created_at FROM remote") == [("Q7", office.clock.at)]
