"""A bad night to look at: the stand-in hub with incidents of every severity and status.

python web/dev/serve.py [--port 8001] [--static src/tocsin/api/static] [--storm]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from pathlib import Path

from aiohttp import web
from fake_hub import STATIC, FakeHub


def furnish(hub: FakeHub) -> None:
    """A bad night: every severity, every status, a page that nobody took."""
    hub.open_incident("Payments: 5xx at 38 % of requests", "critical", minutes=2)
    hub.open_incident("checkout-db: replication lag 94 s, still growing", "high", service="checkout-db", team="infra",
                      minutes=14, paged=False)  # fmt: skip
    hub.open_incident("Search latency p99 above 2 s", "medium", service="search", team="search", minutes=47)
    hub.open_incident(
        "Certificate of mail.example.org ends in 9 days", "low", service="mail", team="infra", minutes=1500
    )
    hub.open_incident("Login failures from one address: 4000 in 5 min", "critical", service="auth", team="security",
                      minutes=31)  # fmt: skip
    hub.open_incident(
        "Recommendation feed empty", "medium", service="recommendations", team="apps", minutes=190
    )
    hub.change("INC-5", "mitigated", "Grace via prod-pagerduty")
    hub.change("INC-6", "resolved", "Ada")


async def _storm(hub: FakeHub) -> None:
    count = 0
    while True:
        await asyncio.sleep(4)
        count += 1
        hub.open_incident(f"Storm alert {count}", ("low", "medium", "high")[count % 3])


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--static", type=Path, default=STATIC)
    parser.add_argument("--storm", action="store_true", help="a new incident every 4 s")
    options = parser.parse_args()
    hub = FakeHub(options.static)
    furnish(hub)
    runner = web.AppRunner(hub.app(), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.port).start()
    print(f"http://127.0.0.1:{options.port}/")  # noqa: T201
    await (_storm(hub) if options.storm else asyncio.Event().wait())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
