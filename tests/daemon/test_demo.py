"""`im demo` as a newcomer runs it: one alert travels the whole way, and everything goes when it ends."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_demo_tells_its_story_and_leaves_nothing(tmp_path: Path) -> None:
    """With --once: both providers have it, Bo acknowledges at PagerDuty, Opsgenie is told; the folder is gone."""
    tmp_path.chmod(0o711)
    environment = {**os.environ, "TMPDIR": "/tmp", "TOCSIN_SKIP_WEB": "1"}
    program = Path(sys.executable).parent / "im"
    before = set(Path("/tmp").glob("tocsin-demo-*"))
    done = subprocess.run(
        [program, "demo", "--once", "--port", "18711", "--sandbox-port", "18721"],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("page_created") == 2
    assert "Acknowledged by Bo via prod-pagerduty" in done.stdout
    assert "prod-opsgenie is told: acknowledged" in done.stdout
    assert set(Path("/tmp").glob("tocsin-demo-*")) <= before
