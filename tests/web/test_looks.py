"""Is every page readable, reachable and small: axe, no sideways scroll, targets, motion, the policy, the weight?"""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "tocsin" / "api" / "static"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_script() -> Path | None:
    """axe-core of the development packages, else the one that axe-playwright-python carries."""
    local = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if local.is_file():
        return local
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        return None
    return next(iter(Path(spec.origin).parent.rglob("axe.min.js")), None)


async def board(site: Any, visit: Any, **how: Any) -> Any:
    page = await visit("/?show=recent", **how)
    await expect(page.get_by_test_id("row")).to_have_count(5)
    await expect(page.get_by_test_id("breaker-banner")).to_be_visible()
    return page


async def incident(site: Any, visit: Any, **how: Any) -> Any:
    page = await visit("/i/INC-2", **how)
    await expect(page.get_by_test_id("alert")).to_be_visible()
    await page.get_by_label("Note").fill("it is the disk, which was full at 03:12; deleted the old dumps")
    return page


async def failure(site: Any, visit: Any, **how: Any) -> Any:
    site.hub.fail_acts = "This token may only read."
    page = await visit("/", **how)
    await page.get_by_role("button", name="Acknowledge INC-1").click()
    await expect(page.get_by_test_id("row-failure")).to_be_visible()
    await expect(page.get_by_text("INC-1 is NOT acknowledged", exact=True)).to_be_visible()
    # The message slides in; half transparent it has no contrast yet.
    await page.wait_for_timeout(400)
    return page


async def empty(site: Any, visit: Any, **how: Any) -> Any:
    site.hub.incidents.clear()
    site.hub.alerts.clear()
    page = await visit("/", **how)
    await expect(page.get_by_test_id("empty")).to_contain_text("No alert has ever arrived")
    return page


async def access(site: Any, visit: Any, **how: Any) -> Any:
    site.hub.locked = True
    page = await visit("/?code=used", **how)
    await expect(page.get_by_test_id("access")).to_be_visible()
    return page


async def dialog(site: Any, visit: Any, **how: Any) -> Any:
    page = await visit("/i/INC-1", **how)
    await page.get_by_test_id("actions").get_by_role("button", name="Resolve").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    return page


async def keys(site: Any, visit: Any, **how: Any) -> Any:
    page = await visit("/", **how)
    await expect(page.get_by_test_id("row").first).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    return page


async def stale(site: Any, visit: Any, **how: Any) -> Any:
    site.hub.down = True
    page = await visit("/", **how)
    await expect(page.get_by_test_id("stale-band")).to_be_visible()
    return page


PAGES = [board, incident, failure, empty, access, dialog, keys, stale]


def furnish(hub: Any) -> None:
    hub.open_incident("Payments: 5xx at 38 % of requests, all regions, since the deploy of 02:58", "critical")
    hub.open_incident(
        "checkout-db.eu-west-1.prod.internal.example.org:5432/replication_lag_seconds", "high", paged=False
    )
    hub.open_incident("Search slow", "medium")
    hub.open_incident("Certificate ends", "low")
    hub.open_incident("Feed empty", "medium")
    hub.change("INC-3", "mitigated", "Grace via prod-pagerduty")
    hub.change("INC-5", "resolved", "Ada")
    hub.break_connector("prod-pagerduty")


LOOKS = [(phone, scheme) for phone in (False, True) for scheme in ("light", "dark")]
SIZES = {False: {"width": 1280, "height": 800}, True: {"width": 390, "height": 844}}


@pytest.mark.parametrize("shown", PAGES, ids=lambda page: page.__name__)
async def test_axe_finds_nothing_and_nothing_scrolls_sideways(site, visit, missing, shown):
    script = axe_script()
    if script is None:
        missing("no axe: cd web && npm ci, or pip install axe-playwright-python")
    furnish(site.hub)
    page = await shown(site, visit, reduced_motion="reduce")
    await page.evaluate(script.read_text(encoding="utf-8"))
    found = []
    for phone, scheme in LOOKS:
        await page.set_viewport_size(SIZES[phone])
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        result = await page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", RULES)
        where = f"{'phone' if phone else 'desktop'} {scheme}"
        for violation in result["violations"]:
            found += [
                (where, violation["id"], n["html"][:160], n["failureSummary"]) for n in violation["nodes"]
            ]
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append((where, "scrolls sideways", "", ""))
    assert found == []


@pytest.mark.parametrize("shown", [board, incident], ids=lambda page: page.__name__)
async def test_at_twice_the_letter_size_nothing_scrolls_sideways(site, visit, shown):
    furnish(site.hub)
    page = await shown(site, visit, phone=True)
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    wide = await page.evaluate("""() => [...document.querySelectorAll("main *, header *")]
        .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1 && !e.closest(".offscreen"))
        .map((e) => e.outerHTML.slice(0, 120))""")
    assert wide == []


@pytest.mark.parametrize("shown", [board, incident], ids=lambda page: page.__name__)
async def test_every_button_on_a_phone_is_wide_enough_for_a_finger(site, visit, shown):
    furnish(site.hub)
    page = await shown(site, visit, phone=True)
    small = await page.evaluate("""() => [...document.querySelectorAll("button, .actions a, .target-link, input, textarea")]
        .filter((e) => e.checkVisibility()).map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])
        .filter(([, height]) => height < 42)""")
    assert small == []


async def test_the_skip_link_is_first_and_works(site, visit):
    page = await visit()
    await expect(page.get_by_test_id("empty")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the incidents")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()


async def test_there_is_one_live_region(site, visit):
    furnish(site.hub)
    page = await board(site, visit)
    assert await page.locator("[aria-live], [role=status], [role=alert]").count() == 1


async def test_with_reduced_motion_nothing_moves(site, visit):
    furnish(site.hub)
    page = await board(site, visit, reduced_motion="reduce")
    assert (
        await page.evaluate("""() => [...document.querySelectorAll("*")].filter((e) => {
        const s = getComputedStyle(e);
        return s.animationName !== "none" || !["0s", ""].includes(s.transitionDuration);
    }).length""")
        == 0
    )


async def test_the_strict_policy_is_the_one_served(site, visit):
    page = await visit()
    answer = await page.request.get(site.url + "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "nonce" not in policy


async def test_it_weighs_what_it_may(site, visit):
    """At most 160 kB of entry script (gzip) and 200 KiB for the whole board on the wire (gzip; brotli is less)."""
    weights: dict[str, int] = {}
    page = await visit()
    await expect(page.get_by_test_id("empty")).to_be_visible()
    for address in await page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)"):
        path = address.removeprefix(site.url).lstrip("/")
        if (STATIC / path).is_file():
            weights[path] = len(gzip.compress((STATIC / path).read_bytes(), 9))
    weights["index.html"] = len(gzip.compress((STATIC / "index.html").read_bytes(), 9))
    entry = sum(size for path, size in weights.items() if path.endswith(".js") and "/Page-" not in path)
    assert entry <= 160_000, weights
    assert sum(weights.values()) <= 200 * 1024, weights
    assert any(path.endswith(".js") for path in weights)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_the_packed_files_are_the_files(site, visit, encoding):
    page = await visit()
    script = (await page.locator("script[type=module]").get_attribute("src")).lstrip("/")
    packed = STATIC / f"{script}.{'br' if encoding == 'br' else 'gz'}"
    assert packed.stat().st_size < (STATIC / script).stat().st_size / 2
    same = await page.evaluate(
        "async (path) => (await (await fetch(path)).arrayBuffer()).byteLength", f"/{script}"
    )
    assert same == (STATIC / script).stat().st_size
