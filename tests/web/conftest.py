"""A browser, the stand-in hub of web/dev, and the dashboard as it was built."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "src" / "tocsin" / "api" / "static"


def _missing(reason: str) -> None:
    """Skip; where everything has to be there (CI=true), fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _load(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


fake_hub = _load("tocsin_fake_hub", ROOT / "web" / "dev" / "fake_hub.py")


@pytest.fixture
def missing() -> Callable[[str], None]:
    """What a test calls when a program it needs is not there."""
    return _missing


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Waits until something holds at the hub; fails when it never does."""

    async def wait(holds: Callable[[], object], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"did not hold within {seconds} s"
            await asyncio.sleep(0.02)

    return wait


@dataclass
class Site:
    """The stand-in hub and where it listens."""

    hub: Any
    url: str


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser(outside_program: Callable[..., Path]) -> AsyncIterator[Any]:
    try:
        from playwright.async_api import async_playwright, expect
    except ImportError:
        _missing("playwright is not installed: pip install playwright")
    chromium = outside_program("chromium", package="chromium")
    expect.set_options(timeout=15_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    if not (STATIC / "assets").is_dir():
        _missing("the dashboard is not built: cd web && npm ci && npm run build")
    hub = fake_hub.FakeHub(STATIC)
    runner = web.AppRunner(hub.app(), shutdown_timeout=0.1)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    port = runner.addresses[0][1]
    yield Site(hub, f"http://127.0.0.1:{port}")
    hub.drop_streams()
    await runner.cleanup()


Open = Callable[..., Awaitable[Any]]


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Any, site: Site) -> AsyncIterator[Open]:
    """Opens a page in a context of its own; at the end no script error and no breach of the policy may stand."""
    faults: list[str] = []
    contexts: list[Any] = []

    async def open_page(
        path: str = "/", *, phone: bool = False, scheme: str = "light", context: Any = None, **more: Any
    ) -> Any:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 800}
        if context is None:
            context = await browser.new_context(viewport=size, color_scheme=scheme, has_touch=phone, **more)
            context.set_default_timeout(20_000)
            contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        await page.goto(site.url + path)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert faults == []
