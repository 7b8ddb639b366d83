"""What docs/howto/python-client.md shows is run, in its order, against a hub (IM-8)."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from rig import ADMIN_TOKEN, Begin

PAGE = Path(__file__).parents[2] / "docs/howto/python-client.md"


async def test_every_example_of_the_page_works(begin: Begin) -> None:
    rig = await begin(webhooks=False)
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    assert code.count("hub.") > 15
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"IM_URL": rig.daemon.url, "IM_TOKEN": ADMIN_TOKEN, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    out, err = await asyncio.gather(running.stdout.read(), running.stderr.read())  # type: ignore[union-attr]
    await running.wait()

    assert running.returncode == 0, err.decode()
    told = out.decode().splitlines()
    assert told[0] == f"first administrator is ['admin'] at {rig.daemon.url}"
    assert told[1].endswith(" INC-1 page")
    assert "INC-1 open disk full on db1" in told
    assert any(re.fullmatch(r"\d+ acts on incidents", line) for line in told)
    assert any(line.startswith("There is no incident INC-4711 Next: ") for line in told)
