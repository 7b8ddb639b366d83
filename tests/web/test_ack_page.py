"""Woken, on a phone, by a mail: is it one tap, readable and reachable in every state, in the dark too (S52)?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from rig import MONDAY_NOON, Rig

from .test_looks import LOOKS, RULES, SIZES, axe_script

pytestmark = pytest.mark.asyncio(loop_scope="module")

HUB = (Path(__file__).parents[2] / "src/tocsin/demo/hub.yaml").read_text()
TO_LEAD = HUB.replace(
    "    - {failover: [prod-pagerduty, prod-opsgenie, ops-mail], within: 3s}\n\nrouting:",
    "    - {all: [lead, ops-mail]}\n\nrouting:",
)
LONG = "checkout-db.eu-west-1.prod.internal.example.org:5432/replication_lag_seconds " * 20
ARABIC = "قاعدة البيانات لا تستجيب منذ خمس دقائق"


@pytest_asyncio.fixture(loop_scope="module")
async def rig(database_url, tmp_path, monkeypatch):
    """A hub that mails the lead; its pages are asked for where it listens."""
    made = Rig(database_url, tmp_path, TO_LEAD, at=MONDAY_NOON, public=True)
    names = {"PAGERDUTY_WEBHOOK_SECRET": "pd-webhook-secret", "OPSGENIE_WEBHOOK_TOKEN": "og-webhook-token"}

    def environment(more):
        for name, value in {**names, **more}.items():
            monkeypatch.setenv(name, value)

    await made.start(environment, webhooks=False)
    yield made
    await made.stop()


async def link_for(rig, to, title, **more):
    """Where the mail to them about a new incident leads."""
    fields = {"source": "probe", "severity": "medium", "service_name": "web", **more}
    await rig.alert(title=title, **fields)

    async def mailed():
        return [mail for mail in await rig.mails() if mail["to"] == [to]]

    mail = (await rig.until(mailed, f"a mail to {to}"))[-1]
    link = next(word for word in mail["text"].split() if "/ack/" in word)
    return rig.daemon.url + link.removeprefix("https://hub.example.com")


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser):
    """A page of a phone without script, since none is needed; at the end no breach of the policy may stand."""
    faults = []
    context = await browser.new_context(viewport=SIZES[True], has_touch=True, java_script_enabled=False)
    page = await context.new_page()
    page.on("console", lambda message: faults.append(message.text))
    yield page
    await context.close()
    assert [text for text in faults if "Content Security Policy" in text] == []


async def test_s52_one_tap_on_a_phone(rig, phone):
    """S52: open, tap, it is theirs; the button is in sight and large enough for a thumb."""
    address = await link_for(rig, "ed@example.com", "Disk is full")
    await phone.goto(address)
    button = phone.get_by_role("button", name="Acknowledge INC-1")
    box = await button.bounding_box()
    assert box["height"] >= 44
    assert box["y"] + box["height"] < SIZES[True]["height"]
    await expect(phone.get_by_role("heading", name="Disk is full")).to_be_visible()
    await button.tap()
    await expect(phone.get_by_role("status")).to_contain_text("You have it: acknowledged")
    await expect(phone.get_by_role("button")).to_have_count(0)
    assert (await rig.incident())["acknowledged_by"] == "Ed"
    await phone.reload()  # sends it once more: harmless
    await expect(phone.get_by_role("status")).to_contain_text("You have it")


async def _nothing(rig):
    pass


async def _theirs(rig):
    await rig.call("POST", "/api/v1/incidents/INC-1/acknowledge", {}, want=200)


async def _over(rig):
    await rig.call("POST", "/api/v1/incidents/INC-1/resolve", {}, want=200)


async def _open_again(rig):
    await _over(rig)
    await rig.call("POST", "/api/v1/incidents/INC-1/reopen", {}, want=200)


@pytest.mark.parametrize(
    ("happens", "title", "end", "words"),
    [
        pytest.param(_nothing, "Disk is full", "", "Nobody has it yet.", id="open"),
        pytest.param(_nothing, LONG, "", "Nobody has it yet.", id="a title that never ends"),
        pytest.param(_nothing, ARABIC, "", "Nobody has it yet.", id="right to left"),
        pytest.param(_theirs, "Disk is full", "", "first administrator has it since", id="somebody else has it"),
        pytest.param(_over, "Disk is full", "", "Resolved by first administrator", id="over"),
        pytest.param(_open_again, "Disk is full", "", "open again", id="over since the mail, and open again"),
        pytest.param(_nothing, "Disk is full", "x", "Perhaps your mail program has cut it off", id="no link of ours"),
    ],
)  # fmt: skip
async def test_every_state_is_readable_on_every_screen(rig, browser, missing, happens, title, end, words):
    script = axe_script()
    if script is None:
        missing("no axe: cd web && npm ci, or pip install axe-playwright-python")
    address = await link_for(rig, "ed@example.com", title)
    await happens(rig)
    context = await browser.new_context(viewport=SIZES[True])
    page = await context.new_page()
    await page.goto(address + end)
    await expect(page.locator("body")).to_contain_text(words)
    await page.evaluate(script.read_text(encoding="utf-8"))
    found = []
    for phone, scheme in LOOKS:
        where = f"{'phone' if phone else 'desktop'} {scheme}"
        await page.set_viewport_size(SIZES[phone])
        await page.emulate_media(color_scheme=scheme)
        result = await page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", RULES)
        found += [
            (where, v["id"], n["html"][:160], n["failureSummary"])
            for v in result["violations"]
            for n in v["nodes"]
        ]
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append((where, "scrolls sideways", "", ""))
        if folder := os.environ.get("TOCSIN_SCREENSHOTS"):
            await page.screenshot(
                path=f"{folder}/{happens.__name__}-{len(title)}{end}-{where.replace(' ', '-')}.png"
            )
    await page.set_viewport_size(SIZES[True])
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append(("twice the letter size", "scrolls sideways", "", ""))
    await context.close()
    assert found == []
