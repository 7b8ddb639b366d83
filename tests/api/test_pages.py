"""The dashboard's files and the API's own description, as a browser gets them."""

from __future__ import annotations

import gzip
import html
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette

from tocsin.api import dashboard
from tocsin.api.description import operations, text_of
from tocsin.api.openapi import openapi_document

if TYPE_CHECKING:
    from conftest import Office

COMMITTED = Path(__file__).parents[2] / "docs/openapi.json"


@pytest.fixture
def site(tmp_path: Path) -> AsyncClient:
    """A browser on a small built site."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html>the board")
    (static / "theme.js").write_text("theme")
    (static / ".stamp").write_text("hidden")
    script = static / "assets/index-abc.js"
    script.write_text("script")
    script.with_name("index-abc.js.gz").write_bytes(gzip.compress(b"script"))
    script.with_name("index-abc.js.br").write_bytes(b"packed by brotli")
    (tmp_path / "secret").write_text("outside")
    (static / "link").symlink_to(tmp_path / "secret")
    app = Starlette(routes=dashboard.routes(static))
    return AsyncClient(transport=ASGITransport(app), base_url="http://hub.example")


@pytest.mark.parametrize(
    ("accepts", "encoding"),
    [
        pytest.param("gzip, deflate, br", "br", id="the smallest it takes"),
        pytest.param("gzip", "gzip", id="an older browser"),
        pytest.param("br;q=0, gzip;q=0.5", "gzip", id="one that refuses brotli"),
        pytest.param("identity", None, id="one that takes nothing packed"),
        pytest.param("brotli-of-another-kind", None, id="a word that only begins so"),
    ],
)
async def test_a_file_comes_packed_as_the_browser_takes_it(
    site: AsyncClient, accepts: str, encoding: str | None
) -> None:
    async with site.stream("GET", "/assets/index-abc.js", headers={"Accept-Encoding": accepts}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers.get("content-encoding") == encoding
    assert raw == {"br": b"packed by brotli", None: b"script"}.get(encoding, raw)
    assert "javascript" in answer.headers["content-type"]
    assert (answer.headers["vary"], answer.headers["cache-control"]) == (
        "Accept-Encoding",
        "public, max-age=31536000, immutable",
    )


@pytest.mark.parametrize("path", ["/", "/index.html", "/i/INC-7", "/i/INC-7/more"])
async def test_the_page_answers_its_own_addresses_under_strict_headers(site: AsyncClient, path: str) -> None:
    answer = await site.get(path)

    assert (answer.status_code, answer.text) == (200, "<!doctype html>the board")
    assert answer.headers["cache-control"] == "no-cache"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/nothing.js", id="no such file"),
        pytest.param("/.stamp", id="a hidden file"),
        pytest.param("/assets", id="a folder"),
        pytest.param("/%2e%2e/secret", id="the folder above"),
        pytest.param("/assets/..%2f..%2fsecret", id="the folder above, from inside"),
        pytest.param("//etc/passwd", id="an absolute path"),
        pytest.param("/link", id="a link that leads out"),
        pytest.param("/theme.js%00", id="a NUL"),
        pytest.param("/assets/index-abc.js.gz", id="the packed file itself"),
        pytest.param("/" + "x" * 5000, id="a name longer than any file's"),
    ],
)
async def test_nothing_else_is_served(site: AsyncClient, path: str) -> None:
    answer = await site.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_without_a_build_a_page_says_so(tmp_path: Path) -> None:
    app = Starlette(routes=dashboard.routes(tmp_path))
    async with AsyncClient(transport=ASGITransport(app), base_url="http://hub.example") as client:
        assert "not in this installation" in (await client.get("/")).text


async def test_the_description_needs_no_token_and_fetches_nothing_from_elsewhere(office: Office) -> None:
    async with office.client() as client:
        page = await client.get("/docs")
        style = await client.get("/docs/style.css")
        document = await client.get("/api/v1/openapi.json")

    assert page.status_code == style.status_code == document.status_code == 200
    assert "<script" not in page.text
    assert "//" not in page.text.replace("https://tocsin.dev/problems", "").split("<h2>Shapes</h2>")[0]
    assert document.json() == openapi_document()
    for path, method, operation in operations(document.json()):
        assert f"<b>{method.upper()}</b> <code>{path}</code>" in page.text
        assert html.escape(operation["summary"]) in page.text


def test_the_committed_document_is_the_one_this_code_makes() -> None:
    assert COMMITTED.read_text() == text_of(openapi_document()), (
        "run: python -m tocsin.api.openapi docs/openapi.json"
    )


def test_every_address_says_what_it_does_and_how_it_refuses() -> None:
    document = openapi_document()
    names = [operation["operationId"] for _, _, operation in operations(document)]
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        if path in ("/healthz", "/readyz", "/v2/enqueue", "/v2/change/enqueue"):
            continue
        refusals = {s: r for s, r in operation["responses"].items() if s[0] in "45"}
        assert {"401", "503"} <= set(refusals), where
        for status, refusal in refusals.items():
            assert list(refusal["content"]) == ["application/problem+json"], f"{where} {status}"
    assert len(names) == len(set(names))
    assert "HTTPValidationError" not in json.dumps(document)
