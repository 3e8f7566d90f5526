"""A policy proven on a randomised e-mail test (Hillstrom 2008): one half learns, the other judges, peers beside it.

    python -m benchmarks.hillstrom DATA_DIR [--dry] [--peers-python PYTHON]

64,000 customers got an e-mail on men's goods, one on women's, or none, each with probability 1/3. Halves are drawn
once, by a seed. Every system learns from one half which of the three to do with whom (to raise visits, and once more to
raise spend), and sees the other half without its outcomes. The value of its choices there is `ips` with pscore 1/3.
Writes `hillstrom.<policy>.visits`, `.visits_se`, `.spend`, `.spend_se` into benchmarks/results/decisions.json.
--dry splits the learning half again, never looks at the other, and writes nothing: what methods may be chosen by.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.merged import DECISIONS, merge
from decisions.ope import Rows, ips
from decisions.ope_interval import around
from pipelines import policy_fit, policy_folder
from pipelines.policy_log_file import Roles

SEED = 2026
ARMS = ("Mens E-Mail", "Womens E-Mail", "No E-Mail")
PSCORE = 1 / 3
OUTCOMES = ("visit", "conversion", "spend")
PEERS = Path(__file__).parent / "policy_peers"
PEERS_PYTHON = Path(".venv-policy/bin/python")
# File, and the rewards that it can learn from (an uplift forest takes yes or no only).
SYSTEMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "causalml": ("with_causalml_x.py", ("visit", "spend")),
    "causalml_forest": ("with_causalml_forest.py", ("visit",)),
    "econml": ("with_econml.py", ("visit", "spend")),
}


@dataclass(frozen=True)
class Figure:
    """Mean reward per customer, its 95 % interval and standard error, and what each customer adds to it."""

    value: float
    low: float
    high: float
    se: float
    influence: np.ndarray


def halves(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two random halves, in the table's order; the first learns.

    >>> learn, judge = halves(pd.DataFrame({"x": range(6)}), 0)
    >>> len(learn), len(judge), sorted([*learn["x"], *judge["x"]])
    (3, 3, [0, 1, 2, 3, 4, 5])
    """
    first = np.zeros(len(table), dtype=bool)
    first[np.random.default_rng(seed).permutation(len(table))[: len(table) // 2]] = True
    return table[first].reset_index(drop=True), table[~first].reset_index(drop=True)


def judged(choice: np.ndarray, arm: np.ndarray, reward: np.ndarray) -> Figure:
    """What choosing `choice` (names of arms) is worth where `arm` was drawn with probability 1/3.

    >>> arm = np.array(["Mens E-Mail", "Womens E-Mail", "No E-Mail"] * 2)
    >>> figure = judged(np.full(6, "Mens E-Mail"), arm, np.array([1.0, 0, 0, 3.0, 0, 0]))
    >>> round(figure.value, 9)  # 3 × (1 + 3) / 6
    2.0
    """
    place = {name: i for i, name in enumerate(ARMS)}
    policy = np.eye(len(ARMS))[[place[str(name)] for name in choice]]
    action = np.array([place[str(name)] for name in arm])
    rows = Rows(policy, action, reward, np.full(len(arm), PSCORE), np.zeros_like(policy))
    value, influence = ips(rows)
    interval = around(value, influence)
    if interval is None:
        raise ValueError("one customer judges nothing")
    return Figure(value, interval.low, interval.high, interval.se, influence)


def ours(learn: pd.DataFrame, judge: pd.DataFrame, reward: str, place: Path) -> np.ndarray:
    """What `upsell policy fit` would do, by the very function that it calls."""
    path, out = place / "log.parquet", place / f"ours_{reward}"
    learn.assign(pscore=PSCORE).to_parquet(path, index=False)
    drop = tuple(name for name in OUTCOMES if name != reward)
    wanted = policy_fit.Wanted(Roles("segment", reward, "pscore"), drop=drop)
    print(policy_fit.as_text(policy_fit.fit(path, wanted, out, lambda line: None)), file=sys.stderr)
    kept = policy_folder.read(out)
    judge.to_parquet(place / "contexts.parquet", index=False)
    return np.array(kept.policy.actions)[kept.choose(pq.read_table(place / "contexts.parquet"))]


def peer(file: str, learn: pd.DataFrame, judge: pd.DataFrame, reward: str, place: Path, python: Path) -> np.ndarray:
    """What another system would do, in an environment of its own."""
    learn.drop(columns=[name for name in OUTCOMES if name != reward]).to_parquet(place / "learn.parquet", index=False)
    judge.to_parquet(place / "judge.parquet", index=False)
    out = place / "choice.parquet"
    command = [str(python.absolute()), str(PEERS / file), str(place), str(out), reward]
    subprocess.run(command, check=True)  # noqa: S603 - our own words
    return pq.read_table(out).column("choice").to_numpy(zero_copy_only=False)


def compared(learn: pd.DataFrame, judge: pd.DataFrame, python: Path) -> dict[str, dict[str, Figure]]:
    """By policy: the figures of `visits` and `spend`."""
    contexts = judge.drop(columns=[*OUTCOMES, "segment"])
    names = ("mens_to_all", "womens_to_all", "none")
    choices = {name: np.full(len(judge), arm) for name, arm in zip(names, ARMS, strict=True)}
    with tempfile.TemporaryDirectory() as at:
        for reward, suffix in (("visit", ""), ("spend", "_by_spend")):
            choices[f"ours{suffix}"] = ours(learn, contexts, reward, Path(at))
            for name, (file, rewards) in SYSTEMS.items():
                if reward in rewards:
                    choices[f"{name}{suffix}"] = peer(file, learn, contexts, reward, Path(at), python)
    arm = judge["segment"].to_numpy()
    return {
        name: {
            "visits": judged(choice, arm, judge["visit"].to_numpy("float64")),
            "spend": judged(choice, arm, judge["spend"].to_numpy("float64")),
        }
        for name, choice in choices.items()
    }


def flat(found: Mapping[str, Mapping[str, Figure]]) -> dict[str, float]:
    """Keys as they stand in the results. `below_best_<metric>`: the best other policy less ours (that was learnt for
    this metric), and its paired standard error; negative where ours is the best."""
    keys: dict[str, float] = {}
    for name, figures in found.items():
        for metric, figure in figures.items():
            for part in ("", "_se", "_low", "_high"):
                keys[f"hillstrom.{name}.{metric}{part}"] = round(getattr(figure, part[1:] or "value"), 6)
    for metric, name in (("visits", "ours"), ("spend", "ours_by_spend")):
        mine = found[name][metric]
        others = {other: by[metric] for other, by in found.items() if not other.startswith("ours")}
        best = max(others.values(), key=lambda figure: figure.value)
        apart = best.influence - mine.influence
        interval = around(0.0, apart)
        keys[f"hillstrom.below_best_{metric}"] = round(best.value - mine.value, 6)
        keys[f"hillstrom.below_best_{metric}_se"] = round(interval.se if interval else 0.0, 6)
    return keys


def main() -> None:
    """Learn, judge, print; write unless it is a dry run."""
    parser = argparse.ArgumentParser(prog="benchmarks.hillstrom", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that holds hillstrom.csv")
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON)
    given = parser.parse_args()
    table = pd.read_csv(given.data / "hillstrom.csv")
    learn, judge = halves(table, SEED)
    if given.dry:
        learn, judge = halves(learn, SEED + 1)
    keys = flat(compared(learn, judge, given.peers_python))
    print(json.dumps(keys, indent=1))
    if not given.dry:
        merge(DECISIONS, "hillstrom.", keys)


if __name__ == "__main__":
    main()
