"""Who competes: a file each, and the Python that runs it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS_PYTHON = Path(".venv-peers/bin/python")
PEERS_LOCK = Path("peers.lock")
OURS = "ours"


@dataclass(frozen=True)
class System:
    """`python file FOLDER OUT SECONDS` predicts (see peers/exchange.py)."""

    name: str
    title: str
    file: Path
    package: str = ""  # whose version is told
    times: int = 1  # of the seconds that the others have

    @property
    def is_ours(self) -> bool:
        """Whether it runs in the project's own environment."""
        return self.name == OURS

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return Path(sys.executable) if self.is_ours else PEERS_PYTHON

    @property
    def version(self) -> str:
        """As the lock of the peers has it; empty for ours, which is the commit's."""
        return "" if self.is_ours else locked_version(PEERS_LOCK.read_text(encoding="utf-8"), self.package)


def locked_version(lock: str, package: str) -> str:
    r"""The version of a package in the text of a lock.

    >>> locked_version("numpy==2.4.6 \\\n    --hash=sha256:00\n", "numpy")
    '2.4.6'
    """
    for line in lock.splitlines():
        if line.startswith(f"{package}=="):
            return line.split("==")[1].split()[0].rstrip("\\")
    raise ValueError(f"{PEERS_LOCK}: there is no {package}; run `make lock`")


SYSTEMS = {
    system.name: system
    for system in (
        System(OURS, "this project", HERE / "ours.py"),
        System("lightgbm", "LightGBM's defaults", HERE / "peers/lightgbm_defaults.py", "lightgbm"),
        System("lightgbm_tuner", "Optuna's LightGBMTuner", HERE / "peers/lightgbm_tuner.py", "optuna-integration"),
        System("catboost", "CatBoost", HERE / "peers/with_catboost.py", "catboost"),
        System("xgboost", "XGBoost", HERE / "peers/with_xgboost.py", "xgboost-cpu"),
        System("flaml", "FLAML", HERE / "peers/with_flaml.py", "flaml"),
        System("autogluon", "AutoGluon", HERE / "peers/with_autogluon.py", "autogluon-tabular"),
        System(
            "autogluon_5x", "AutoGluon, 5 × the seconds", HERE / "peers/with_autogluon.py", "autogluon-tabular", times=5
        ),
    )
}
