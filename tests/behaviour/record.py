"""Record the real servers' answers to every question: `python tests/behaviour/record.py` (they must be on the PATH)."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import live_scene
import recorded_servers as recorded
from behaviour_questions import QUESTIONS

from syndarix_obs.identity import Identity
from syndarix_obs_read.backends.stack.backend import StackBackend


async def _record(world: live_scene.World) -> recorded.Recorder:
    recorder = recorded.Recorder()
    pseudonym = Identity(world.home, (world.home / "key").read_bytes()).pseudonym
    for ask in QUESTIONS.values():  # a backend for each: what one remembers, another may have to ask
        backend = StackBackend(recorded.options(recorder, world.now_ns, **world.urls))
        await ask(backend, world.now_ns, pseudonym)
    await recorder.aclose()
    return recorder


def main() -> None:
    """Start servers, tell the scene, ask everything, keep the answers."""
    target = Path(__file__).parent / "recordings" / "scene.json.gz"
    with tempfile.TemporaryDirectory(prefix="syndarix-obs-") as folder, live_scene.told(Path(folder)) as world:
        recorder = asyncio.run(_record(world))
        recorded.save(target, world.now_ns, recorder.answers)
    sys.stdout.write(f"{len(recorder.answers)} answers, {target.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
