"""tests/golden/ope.json: a small log, and what zr-obp (`obp`) makes of it; a test holds decisions/ope.py to it.

    python -m benchmarks.golden.ope

obp 0.5.7 asks for Python below 3.11 and for numpy and scikit-learn of that time. So it is installed without its
requirements, beside today's versions of what its estimators import, in a virtual environment that is thrown away.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path("tests/golden/ope.json")
WITH_OBP = Path(__file__).with_name("with_obp.py")
OBP = "obp==0.5.7"
IMPORTED = ("numpy", "scipy", "scikit-learn", "pandas", "tqdm", "pyyaml", "matplotlib", "seaborn")


def main() -> None:
    """Install, compute, write."""
    with tempfile.TemporaryDirectory() as place:
        python = Path(place) / "bin" / "python"
        for command in (
            [sys.executable, "-m", "venv", place],
            [python, "-m", "pip", "install", "-q", "--no-deps", "--ignore-requires-python", OBP],
            [python, "-m", "pip", "install", "-q", *IMPORTED],
            [python, WITH_OBP, OUT],
        ):
            subprocess.run([str(part) for part in command], check=True)  # noqa: S603 - our own words
    print(OUT)


if __name__ == "__main__":
    main()
