"""Is the page ever stale without saying so? One stream for all tabs, and what happens when it breaks."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_three_tabs_share_one_stream_and_the_next_takes_over(site, visit, until):
    first = await visit()
    tabs = [await visit(context=first.context) for _ in range(2)]
    for tab in (first, *tabs):
        await expect(tab.get_by_test_id("freshness")).to_have_text("live")
    assert len(site.hub.streams) == 1
    site.hub.open_incident("Database down")
    for tab in (first, *tabs):
        await expect(tab.get_by_test_id("row")).to_contain_text("Database down")
    await first.close()
    await until(lambda: site.hub.streams_opened == 2)
    site.hub.open_incident("Search slow", "low")
    for tab in tabs:
        await expect(tab.get_by_test_id("row")).to_have_count(2)


async def test_a_broken_stream_is_opened_again_and_nothing_is_missed(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("freshness")).to_have_text("live")
    site.hub.deaf = True
    site.hub.drop_streams()
    await expect(page.get_by_test_id("freshness")).not_to_have_text("live")
    site.hub.open_incident("opened while nobody listened")
    site.hub.deaf = False
    await expect(page.get_by_test_id("freshness")).to_have_text("live")
    await expect(page.get_by_test_id("row")).to_be_visible()


async def test_without_a_stream_it_asks_by_itself(site, visit):
    site.hub.deaf = True
    page = await visit()
    await expect(page.get_by_test_id("freshness")).to_contain_text("checked")
    site.hub.open_incident("Database down")
    await expect(page.get_by_test_id("row")).to_be_visible(timeout=12_000)


async def test_reset_fetches_again(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("freshness")).to_have_text("live")
    await expect(page.get_by_test_id("empty")).to_be_visible()
    streams, site.hub.streams = site.hub.streams, set()
    site.hub.open_incident("told to nobody")
    site.hub.streams = streams
    await asyncio.sleep(0.5)
    await expect(page.get_by_test_id("row")).to_have_count(0)
    site.hub.send("reset", {})
    await expect(page.get_by_test_id("row")).to_contain_text("told to nobody")


async def test_a_hub_that_is_away_is_said_and_acknowledge_still_tries(site, visit, until):
    site.hub.open_incident("Database down")
    page = await visit()
    await expect(page.get_by_test_id("freshness")).to_have_text("live")
    await page.clock.install()
    site.hub.down = True
    site.hub.drop_streams()
    await page.clock.run_for(40_000)
    await expect(page.get_by_test_id("freshness")).to_contain_text("stale since")
    await expect(page.get_by_test_id("stale-band")).to_be_visible()
    site.hub.down = False
    await page.get_by_role("button", name="Acknowledge INC-1").click()
    await until(lambda: site.hub.acts == [("INC-1", "acknowledge", {})])


async def test_a_hub_that_never_answered_shows_no_calm_board(site, visit):
    site.hub.down = True
    page = await visit()
    await expect(page.get_by_test_id("stale-band")).to_contain_text("Nothing here is known to be true")
    assert await page.get_by_text("No open incidents").count() == 0


async def test_a_storm_draws_a_few_times_not_a_thousand(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("empty")).to_be_visible()
    await page.evaluate("""() => {
        window.changes = 0;
        new MutationObserver(() => { window.changes += 1; }).observe(document.querySelector(".rows"), {childList: true});
    }""")
    for number in range(300):
        site.hub.open_incident(f"storm {number}", "low")
    await expect(page.get_by_test_id("row")).to_have_count(300)
    assert await page.evaluate("window.changes") <= 8


async def test_an_event_that_overtakes_an_older_answer_stands(site, visit):
    """The answer is read before the change, arrives after the event, and must not take it back."""
    site.hub.open_incident("Database down")
    page = await visit()
    await expect(page.get_by_test_id("freshness")).to_have_text("live")
    await expect(page.get_by_test_id("row")).to_be_visible()
    answered, late = asyncio.Event(), asyncio.Event()

    async def hold(route):
        answer = await route.fetch()
        answered.set()
        await late.wait()
        await route.fulfill(response=answer)

    await page.route("**/api/v1/incidents?*", hold)
    site.hub.send("reset", {})
    await expect(page.get_by_test_id("row")).to_contain_text("Open")
    await asyncio.wait_for(answered.wait(), 5)
    site.hub.change("INC-1", "mitigated", "Grace")
    await expect(page.get_by_test_id("row")).to_contain_text("Grace")
    async with page.expect_response("**/api/v1/incidents?*"):
        late.set()
    await asyncio.sleep(0.3)
    assert "Grace" in await page.get_by_test_id("row").inner_text()
