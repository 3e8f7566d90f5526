"""Does this run reproduce the committed one? The bytes on the same kind of processor; else the figures and the ranks.

The last bits of a sum may differ between kinds of processor, so `.ci/processor` says on which one dvc.lock was made:
there every output must be the same to the byte. Elsewhere metrics must agree, and the first hundred ranks.
"""

import json
import math
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipelines import paths

LOCK, PROCESSOR = Path("dvc.lock"), Path(".ci/processor")
TOLERANCE = 1e-6


def processor() -> str:
    """The kind of this machine's processor: its model, and the flags that decide how floats are added up."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.is_file() else ""
    found = {line.split(":")[0].strip(): line.split(":", 1)[1].strip() for line in text.splitlines() if ":" in line}
    vector = sorted(flag for flag in found.get("flags", "").split() if flag.startswith(("avx", "sse", "fma")))
    return f"{platform.machine()} {found.get('model name', '')} {' '.join(vector)}".strip()


def committed(path: Path) -> str:
    """A file as git has it at HEAD."""
    git = shutil.which("git") or "git"
    return subprocess.run([git, "show", f"HEAD:{path}"], capture_output=True, text=True, check=True).stdout  # noqa: S603 - fixed words


def differences(before: Any, now: Any, place: str = "") -> list[str]:
    """Where two reports disagree beyond the last bits.

    >>> differences({"auc": {"value": 0.8, "low": None}}, {"auc": {"value": 0.81, "low": None}})
    ['.auc.value: 0.8 was committed, 0.81 came out']
    """
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted({*before, *now})
        return [line for key in keys for line in differences(before.get(key), now.get(key), f"{place}.{key}")]
    if isinstance(before, float) and isinstance(now, float):
        same = math.isclose(before, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    else:
        same = before == now
    return [] if same else [f"{place}: {before} was committed, {now} came out"]


def main() -> None:
    """Compare, say what was compared, and exit 1 where it differs."""
    here = processor()
    there = PROCESSOR.read_text(encoding="utf-8").strip() if PROCESSOR.is_file() else ""
    if committed(LOCK) == LOCK.read_text(encoding="utf-8"):
        print("identical: every output has the hash that dvc.lock commits")
        return
    if here == there:
        print(
            f"dvc.lock differs on the processor that it was made on ({here}): a stage is not reproducible, or dvc.lock "
            "was not committed after the last change; see `git diff dvc.lock`.",
            file=sys.stderr,
        )
        sys.exit(1)
    metrics = paths.METRICS.read_text(encoding="utf-8")
    found = differences(_without_versions(committed(paths.METRICS)), _without_versions(metrics))
    if committed(paths.TOP) != paths.TOP.read_text(encoding="utf-8"):
        found.append(f"{paths.TOP}: the first hundred ranks differ")
    if found:
        print("\n".join([f"another processor ({here} instead of {there}), and more than last bits differ:", *found]),
              file=sys.stderr)  # fmt: skip
        sys.exit(1)
    print(f"another processor ({here}): metrics and the first hundred ranks agree")


def _without_versions(text: str) -> Any:
    return {key: value for key, value in json.loads(text).items() if key != "model_version"}


if __name__ == "__main__":
    main()
