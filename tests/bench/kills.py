"""Kill a board again and again, let it finish, compare it with an undisturbed one.

Run it by hand with more kills than the test does:

    python tests/bench/kills.py --kills 20
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTINGS = {"steps": 40, "joint_steps": 10, "batch": 8}
WORDS = [
    *("run", "--methods", "bicubic,lrgan", "--protocol", "realworld"),
    *("--datasets", "embedded[identities=16,shots=4]", "--limit", "64"),
    *("--budget", "smoke", "--device", "cpu"),
    *(word for k, v in SETTINGS.items() for word in ("--set", f"lrgan.{k}={v}")),
]


def start(out: Path) -> subprocess.Popen[bytes]:
    """Start the board in its own process."""
    words = [sys.executable, "-m", "facesr.bench", *WORDS, "--out", str(out)]
    own = os.environ | {"FACESR_CACHE": str(out.with_suffix(".cache"))}
    return subprocess.Popen(words, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def undisturbed(out: Path) -> float:
    """Run the board once; return its seconds."""
    began = time.monotonic()
    code = start(out).wait()
    if code:
        raise SystemExit(f"the undisturbed board ended with exit code {code}")
    return time.monotonic() - began


def killed(out: Path, kills: int, longest: float, seed: int) -> None:
    """Kill the board at random moments, then let it finish."""
    moments = random.Random(seed)
    done = 0
    while done < kills:
        process = start(out)
        wait = moments.uniform(0.5, longest)
        try:
            code = process.wait(wait)
            if code:
                raise SystemExit(f"the board that was killed ended with exit code {code}") from None
            shutil.rmtree(out)  # it was done before all kills: start it again
            sys.stdout.write("it ended before the kill and starts anew\n")
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            done += 1
            sys.stdout.write(f"{done}: killed after {wait:.1f} s\n")
        sys.stdout.flush()
    if code := start(out).wait():
        raise SystemExit(f"the board that was killed ended with exit code {code}")


def contents(out: Path) -> dict[str, object]:
    """Read everything of a run folder that must not depend on kills."""
    found: dict[str, object] = {}
    for path in sorted(out.rglob("*")):
        name = str(path.relative_to(out))
        if path.suffix in (".png", ".safetensors") and "samples" not in path.parts:
            found[name] = path.read_bytes()
        elif path.suffix == ".json":
            value = json.loads(path.read_text())
            found[name] = {key: part for key, part in value.items() if key != "timing"}
        elif path.name.endswith(".part"):
            continue  # left by a kill while writing; never read by anything
    return found


def main() -> None:
    """Compare a board that was killed with one that was not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calm, rough = Path(folder) / "calm", Path(folder) / "rough"
        seconds = undisturbed(calm)
        sys.stdout.write(f"undisturbed: {seconds:.1f} s\n")
        killed(rough, chosen.kills, 0.6 * seconds, chosen.seed)
        one, two = contents(calm), contents(rough)
        differing = [
            name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)
        ]
        if differing:
            raise SystemExit(f"{len(differing)} of {len(one)} files differ: {differing[:5]}")
        rows = sum(name.endswith("realworld.json") for name in one)
        sys.stdout.write(f"{rows} rows files and {len(one)} files in all are identical\n")


if __name__ == "__main__":
    main()
