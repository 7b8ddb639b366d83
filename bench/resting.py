"""How much memory does an idle hub with its database take, how soon is it ready, and how soon does the command speak?

.venv/bin/python bench/resting.py           (about 40 s)
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import uvloop
from hubs import both
from provider import Provider
from stage import Folder, Hub, load, median, show

RUNS = 3


def spoke_after(*words: str) -> float:
    """Seconds that a command takes as a whole process."""
    began = time.perf_counter()
    subprocess.run([Path(sys.executable).with_name("im"), *words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


async def main() -> None:
    provider = Provider()
    await provider.start()
    began_at = load()
    first, again = [], []
    with Folder() as folder:
        for number in range(RUNS):
            hub = Hub(folder, both(provider.url), data=f"data{number}")
            try:
                first.append(await asyncio.to_thread(hub.start))
                hub.stop()
                again.append(await asyncio.to_thread(hub.start))
                if number == RUNS - 1:
                    await asyncio.sleep(10)
                    memory = hub.memory()
            finally:
                hub.stop()
    await provider.stop()
    spoken = [spoke_after("--help") for _ in range(9)]
    whole = memory["hub_own"] + memory["database_own"]
    show(
        "resting",
        [
            (
                "memory, hub and embedded database idle",
                f"{whole:.0f} MiB",
                f"hub {memory['hub_own']:.0f}, PostgreSQL {memory['database_own']:.0f} (shared pages once)",
                "<= 300 MB",
            ),
            ("start, data folder there, until /readyz", f"{median(again):.2f} s", f"longest {max(again):.2f} s", "<= 3 s"),
            ("start, new data folder, until /readyz", f"{median(first):.2f} s", f"longest {max(first):.2f} s", "-"),
            ("im --help", f"{median(spoken) * 1000:.0f} ms", f"longest {max(spoken) * 1000:.0f} ms", "<= 150 ms"),
        ],
        memory=memory, first=first, again=again, spoken=spoken, load_average_before=began_at,
    )  # fmt: skip


if __name__ == "__main__":
    uvloop.run(main())
