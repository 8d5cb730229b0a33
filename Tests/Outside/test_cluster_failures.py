"""A little of what `scripts/failures` does to three brokers and three NATS servers: nothing that was acknowledged is lost, nothing comes twice at QoS 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVENTS = [
    "kill broker, back at once", "kill server, back at once", "kill broker and server", "pause broker for 3 s", "stop broker", "stop server",
    "cut broker from all servers, both, 3 s",
]

pytestmark = pytest.mark.martlet


def test_nothing_acknowledged_is_lost(binary):
    """MARTLET_FAILURE_ROUNDS says how often each event is played."""
    if os.geteuid():
        pytest.skip("needs root for network namespaces")
    words = [word for name in EVENTS for word in ("--only", name)]
    done = subprocess.run([sys.executable, ROOT / "scripts/failures", "--martlet", binary, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"failures: {len(EVENTS) * int(os.environ.get('MARTLET_FAILURE_ROUNDS', '1'))} rounds, 0 mistakes" in done.stdout
