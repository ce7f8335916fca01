"""Runs the AI SDK of Vercel in Node against a local provider and a receiver, and compares as `run.py` does."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from provider import Provider

from run import compared, line

NODE = Path(__file__).parent / "node"


def measure(variant: str) -> dict[str, object]:
    """Run the program once."""
    from syndarix_obs import ObservabilityPlatform, Settings
    from syndarix_obs.receivers.receiver import Receiver
    from syndarix_obs.receivers.server import ReceiverServer
    from syndarix_obs.testing import Capture

    capture = Capture()
    home = Path(tempfile.mkdtemp(prefix="frameworks-"))
    obs = ObservabilityPlatform(Settings(home=home, backend="none", set_global=False), consumers=[capture])
    with Provider() as provider:
        server = ReceiverServer(Receiver(obs.runtime), port=0)
        server.start()
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": f"{provider.url}/v1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.port}",
        }
        asked = ["REFUSE this"] if variant == "refused" else []
        done = subprocess.run(
            ["node", "agent.mjs", variant, *asked], cwd=NODE, env=environment, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        server.close()
        obs.flush(10)
        obs.shutdown()
        return {**compared(provider, capture), "failed": done.stderr.strip()[:200]}


def main() -> int:
    """Each variant; 1 when something differs."""
    wrong = 0
    for variant in ("alone", "streamed", "refused"):
        found = measure(variant)
        wrong += not found["right"]
        print(line("vercel-ai", variant, found))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
