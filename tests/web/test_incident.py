"""What broke, how did the page travel, and what can the person do about it?"""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_timeline_shows_each_step_with_its_distance(site, visit):
    site.hub.open_incident("Database down", minutes=1)
    page = await visit("/i/INC-1")
    steps = page.get_by_test_id("timeline").locator("li")
    await expect(steps.first).to_contain_text("Alertmanager sent the alert")
    await expect(steps.nth(1)).to_contain_text("+3.0 ms")
    await expect(page.get_by_test_id("latency")).to_contain_text("+371 ms")
    site.hub.line("INC-1", "remote_change", "Grace has it", "Grace via prod-pagerduty")
    await expect(steps.last).to_contain_text("Grace via prod-pagerduty")


async def test_providers_show_how_far_the_page_got_and_whether_they_answer(site, visit):
    site.hub.open_incident("Database down", paged=False)
    page = await visit("/i/INC-1")
    stuck = page.get_by_test_id("provider").filter(has_text="prod-pagerduty")
    await expect(stuck).to_contain_text("503 from api.pagerduty.com")
    await expect(stuck).to_contain_text("2 acts wait")
    taken = page.get_by_test_id("provider").filter(has_text="prod-opsgenie")
    await expect(taken.get_by_role("link")).to_have_attribute(
        "href", "https://opsgenie.example/incidents/Q1ABCDEF"
    )
    site.hub.break_connector("prod-pagerduty")
    await expect(stuck).to_contain_text("breaker open")


async def test_a_link_from_outside_cannot_carry_a_script(site, visit):
    site.hub.open_incident("Database down", minutes=1)
    page = await visit("/i/INC-1")
    await expect(page.get_by_test_id("alert").get_by_role("link", name="Runbook")).to_be_visible()
    assert await page.locator("a[href^='javascript']").count() == 0


async def test_resolve_asks_only_while_alerts_fire(site, visit, until):
    site.hub.open_incident("Database down", minutes=1)
    site.hub.open_incident("Declared by hand", declared=True)
    page = await visit("/i/INC-1")
    actions = page.get_by_test_id("actions")
    await actions.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1 alert still fires")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    assert site.hub.acts == []
    await page.keyboard.press("r")
    await dialog.get_by_role("button", name="Resolve").click()
    await until(lambda: site.hub.acts == [("INC-1", "resolve", {})])
    await expect(actions.get_by_role("button", name="Reopen")).to_be_visible()
    await page.goto(f"{site.url}/i/INC-2")
    await actions.get_by_role("button", name="Resolve").click()
    await until(lambda: ("INC-2", "resolve", {}) in site.hub.acts)


async def test_a_note_reaches_the_hub_and_the_timeline(site, visit):
    site.hub.open_incident("Database down", minutes=1)
    page = await visit("/i/INC-1")
    await expect(page.get_by_test_id("timeline")).to_be_visible()
    await page.keyboard.press("n")
    await page.keyboard.type("it's the disk")
    await expect(page.get_by_text("im note --incident INC-1 --note 'it'\\''s the disk'")).to_be_visible()
    await page.get_by_role("button", name="Add note").click()
    await expect(page.get_by_test_id("timeline").locator("li").last).to_contain_text("it's the disk")
    await expect(page.get_by_label("Note")).to_have_value("")
    assert site.hub.acts == [("INC-1", "notes", {"text": "it's the disk"})]


async def test_n_on_the_board_opens_the_note_of_that_incident(site, visit):
    site.hub.open_incident("Database down", minutes=1)
    page = await visit()
    await expect(page.get_by_test_id("row")).to_be_visible()
    await page.keyboard.press("j")
    await page.keyboard.press("n")
    await expect(page.get_by_label("Note")).to_be_focused()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Incidents")).to_be_visible()


async def test_the_command_is_copied(site, visit):
    site.hub.open_incident("Database down", minutes=1)
    page = await visit("/i/INC-1", permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy as CLI: im ack --incident INC-1").click()
    await expect(page.get_by_text("Copied", exact=True).first).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "im ack --incident INC-1"


async def test_an_unknown_incident_is_said(site, visit):
    page = await visit("/i/INC-99")
    await expect(page.get_by_text("There is no incident INC-99.")).to_be_visible()


async def test_on_a_phone_the_buttons_stay_at_the_bottom_and_are_wide_enough(site, visit):
    site.hub.open_incident("Database down", minutes=1)
    page = await visit("/i/INC-1", phone=True)
    await expect(page.get_by_test_id("timeline")).to_be_visible()
    button = page.get_by_test_id("actions").get_by_role("button", name="Acknowledge")
    for place in (0, 400, 100_000):
        await page.evaluate(f"window.scrollTo(0, {place})")
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert 740 < box["y"] + box["height"] <= 844
