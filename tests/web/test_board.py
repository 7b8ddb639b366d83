"""Does the person at 3 AM see what is wrong, when it goes wrong, and can they take it with one finger?"""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_incident_that_opens_appears_and_is_spoken(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("freshness")).to_have_text("live")
    await expect(page.get_by_text("No open incidents.")).to_be_visible()
    site.hub.open_incident("Database down")
    row = page.get_by_test_id("row")
    await expect(row).to_contain_text("Database down")
    await expect(row).to_contain_text("SEV-1")
    await expect(page.get_by_test_id("voice")).to_have_text("SEV-1 opened: Database down")
    await expect(page).to_have_title("(1) Tocsin")
    await expect(page.get_by_test_id("count-unacknowledged")).to_have_text("1")


async def test_the_age_ticks(site, visit):
    site.hub.open_incident("Database down", minutes=2)
    page = await visit()
    age = page.locator(".row-age")
    first = await age.inner_text()
    await expect(age).not_to_have_text(first)


async def test_acknowledge_shows_at_once_and_reaches_the_hub(site, visit, until):
    site.hub.open_incident("Database down")
    site.hub.acts_held = asyncio.Event()
    page = await visit()
    await page.get_by_role("button", name="Acknowledge INC-1").click()
    await expect(page.get_by_text("Acknowledged", exact=True)).to_be_visible()
    assert site.hub.acts == []
    site.hub.acts_held.set()
    await until(lambda: site.hub.acts == [("INC-1", "acknowledge", {})])
    await expect(page.get_by_test_id("voice")).to_have_text("INC-1 acknowledged")
    await expect(page.get_by_text("Acknowledged", exact=True)).to_be_visible()


async def test_an_acknowledgement_that_failed_is_taken_back_and_said_in_the_row(site, visit):
    site.hub.open_incident("Database down")
    site.hub.fail_acts = "This token may only read."
    page = await visit()
    await page.get_by_role("button", name="Acknowledge INC-1").click()
    await expect(page.get_by_test_id("row-failure")).to_have_text(
        "INC-1 is NOT acknowledged: This token may only read."
    )
    await expect(page.get_by_test_id("row").get_by_text("Open", exact=True)).to_be_visible()
    site.hub.change("INC-1", "mitigated", "Grace")
    await expect(page.get_by_test_id("row-failure")).to_have_count(0)


async def test_what_another_person_acknowledged_is_seen(site, visit):
    site.hub.open_incident("Database down")
    page = await visit()
    await expect(page.get_by_test_id("row")).to_be_visible()
    site.hub.change("INC-1", "mitigated", "Grace via prod-pagerduty")
    await expect(page.get_by_test_id("row")).to_contain_text("Grace via prod-pagerduty")
    site.hub.change("INC-1", "resolved", "Grace")
    await expect(page.get_by_test_id("row")).to_have_count(0)


async def test_the_worst_stands_first(site, visit):
    for severity in ("low", "critical", "medium", "high"):
        site.hub.open_incident(f"a {severity} one", severity)
    page = await visit()
    await expect(page.locator(".row-title")).to_have_text(
        ["a critical one", "a high one", "a medium one", "a low one"]
    )


async def test_the_filter_lives_in_the_address(site, visit):
    site.hub.open_incident("Database down", service="orders")
    site.hub.open_incident("Search slow", "medium", service="search")
    page = await visit("/?q=service:orders")
    await expect(page.locator(".row-title")).to_have_text(["Database down"])
    await page.get_by_label("Filter").fill("sev:3")
    await expect(page.locator(".row-title")).to_have_text(["Search slow"])
    assert "q=sev" in page.url
    await page.get_by_label("Filter").fill("nothing like it")
    await expect(page.get_by_text("None of the 2 incidents matches the filter.")).to_be_visible()


async def test_keys_walk_acknowledge_and_open(site, visit, until):
    site.hub.open_incident("first", minutes=1)
    site.hub.open_incident("second", minutes=2)
    page = await visit()
    await expect(page.get_by_test_id("row")).to_have_count(2)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.locator("[aria-current=true] .row-title")).to_have_text("second")
    await page.keyboard.press("a")
    await until(lambda: site.hub.acts == [("INC-2", "acknowledge", {})])
    await page.keyboard.press("/")
    await page.keyboard.type("aj")
    assert len(site.hub.acts) == 1, "letters in a field are the writer's"
    await page.keyboard.press("Escape")
    await page.get_by_label("Filter").fill("")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.get_by_label("Single keys are on").uncheck()
    await page.get_by_role("button", name="Close").click()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_a_newcomer_does_not_move_what_a_finger_is_about_to_hit(site, visit):
    for number in range(14):
        site.hub.open_incident(f"row {number}", "low")
    page = await visit(phone=True)
    await expect(page.get_by_test_id("row")).to_have_count(14)
    await page.evaluate("window.scrollTo(0, 600)")
    await page.wait_for_function("window.scrollY > 500")
    await asyncio.sleep(0.05)
    before = await page.locator("#row-INC-9").bounding_box()
    site.hub.open_incident("the worst", "critical")
    await expect(page.get_by_test_id("new-rows")).to_have_text("1 new incident, the worst SEV-1")
    assert await page.locator("#row-INC-9").bounding_box() == before
    await page.get_by_test_id("new-rows").click()
    await expect(page.locator(".row-title").first).to_have_text("the worst")


async def test_an_empty_board_says_when_the_last_alert_came(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("empty")).to_contain_text("No alert has ever arrived here")
    site.hub.open_incident("over", minutes=14)
    site.hub.change("INC-1", "resolved", "Ada")
    await expect(page.get_by_test_id("empty")).to_contain_text("Last alert 14 min ago from prometheus.")


async def test_an_open_breaker_is_said_before_the_list(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("empty")).to_be_visible()
    site.hub.break_connector("prod-pagerduty")
    await expect(page.get_by_test_id("breaker-banner")).to_contain_text(
        "prod-pagerduty (pagerduty) is not answering"
    )
    await expect(page.get_by_test_id("breaker-banner")).to_contain_text("4 deliveries wait")
    await expect(page.get_by_test_id("empty")).to_contain_text("not the whole picture")
    site.hub.health, site.hub.reasons = "unhealthy", ["the worker has not been heard for 40 s"]
    await page.reload()
    await expect(page.get_by_text("unhealthy: the worker has not been heard for 40 s")).to_be_visible()


async def test_a_one_time_link_lets_in_and_leaves_the_address(site, visit):
    site.hub.locked = True
    site.hub.codes.add("once")
    site.hub.open_incident("Database down")
    page = await visit("/?code=once&q=database")
    await expect(page.get_by_test_id("row")).to_contain_text("Database down")
    assert page.url == f"{site.url}/?q=database"
    await page.goto(f"{site.url}/?code=once")
    await expect(page.get_by_test_id("row")).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/i/INC-1", "/?code=stolen"])
async def test_without_a_session_it_says_how_to_get_a_link(site, visit, path):
    site.hub.locked = True
    page = await visit(path)
    await expect(page.get_by_test_id("access")).to_contain_text("im open")
    assert "code" not in page.url
    await asyncio.sleep(0.05)
    asked = len(site.hub.requests)
    await asyncio.sleep(0.6)
    assert len(site.hub.requests) == asked, "a page without a session goes on asking"


async def test_a_chosen_scheme_is_there_before_the_first_paint(site, visit):
    page = await visit(scheme="light")
    await page.get_by_role("button", name="Switch to dark").click()
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    await page.add_init_script(
        "document.addEventListener('DOMContentLoaded', () => { window.early = document.documentElement.dataset.mantineColorScheme })"
    )
    await page.reload()
    assert await page.evaluate("window.early") == "dark"
