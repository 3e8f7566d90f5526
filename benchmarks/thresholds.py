"""What docs/for-data-scientists.md says of thresholds: `python -m benchmarks.thresholds` after `make run`.

Writes the table there and docs/img/thresholds.png, from reports/thresholds.csv and reports/threshold_curves.csv.
"""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from benchmarks.readme import filled
from pipelines import written
from pipelines.find import CURVES, TABLE

PAGE = Path("docs/for-data-scientists.md")
PICTURE = Path("docs/img/thresholds.png")
SHOWN = (
    "gated_features", "power_features", "limit_active_users_soon", "limit_active_users_high", "promoter", "use_growing",
    "life_event", "executive_engaged",
)  # fmt: skip
BLUE, ORANGE, GREY = "#2a6f97", "#e07a3f", "#8d99a6"


def table(rows: pd.DataFrame) -> str:
    """Per trigger the number that the data gave beside the one that was given, each with its lift by block.

    >>> blocks = {f"{b}_{n}": [v] for b in ("train", "validation", "test") for n, v in
    ...           {"lift": 2.0, "low": 1.5, "high": 2.5}.items()}
    >>> row = {"trigger": ["promoter"], "which": ["given"], "threshold": [9.0], "is_in_force": [True],
    ...        "direction": ["at_least"], "verdict": [None], "train_share": [0.47], **blocks}
    >>> print(table(pd.DataFrame(row)))
    | trigger | threshold | fires for | lift: train | validation | test | verdict |
    |---|---|---|---|---|---|---|
    | `promoter` | **≥ 9** given | 47 % | 2.00 (1.50-2.50) | 2.00 (1.50-2.50) | 2.00 (1.50-2.50) |  |
    """

    def lift(row: dict[str, Any], block: str) -> str:
        value, low, high = (row[f"{block}_{name}"] for name in ("lift", "low", "high"))
        return "" if value != value else f"{value:.2f} ({low:.2f}-{high:.2f})"

    lines = ["| trigger | threshold | fires for | lift: train | validation | test | verdict |", "|" + "---|" * 7]
    for row in rows.to_dict("records"):
        number = f"{'≥' if row['direction'] == 'at_least' else '≤'} {row['threshold']:g}"
        number = f"**{number}**" if row["is_in_force"] else number
        verdict = row["verdict"] if row["which"] == "found" else ""
        lifts = " | ".join(lift(row, block) for block in ("train", "validation", "test"))
        share = f"{100 * row['train_share']:.0f} %"
        lines.append(f"| `{row['trigger']}` | {number} {row['which']} | {share} | {lifts} | {verdict} |")
    return "\n".join(lines)


def drawn(curve: pd.DataFrame, rows: pd.DataFrame, ax: Axes) -> None:
    """One trigger: lift by threshold on the train block, and what the number in force did on the later ones."""
    ax.fill_between(curve["threshold"], curve["low"], curve["high"], color=BLUE, alpha=0.15, linewidth=0)
    ax.plot(curve["threshold"], curve["lift"], color=BLUE, label="train, all thresholds")
    now = rows[rows["is_in_force"]].iloc[0]
    for block, color, marker in (("validation", ORANGE, "o"), ("test", GREY, "s")):
        lift, low, high = (now[f"{block}_{name}"] for name in ("lift", "low", "high"))
        ax.errorbar(
            now["threshold"], lift, [[lift - low], [high - lift]], color=color, marker=marker, capsize=2,
            label=f"{block}, in force",
        )  # fmt: skip
    ax.axhline(1, color="black", linewidth=0.6)
    found = rows.loc[rows["which"] == "found", "verdict"].iloc[0]
    ax.set_title(f"{now['trigger']}: {found}", fontsize=9)
    ax.set_xlabel(f"{now['column']} {now['direction'].replace('_', ' ')}", fontsize=8)
    ax.tick_params(labelsize=8)


def main() -> None:
    """Write the table, and draw some triggers of the default company."""
    curves, rows = pd.read_csv(CURVES), pd.read_csv(TABLE)
    written.text(PAGE, filled(PAGE.read_text(encoding="utf-8"), {"thresholds": table(rows)}))
    figure, axes = plt.subplots(2, 4, figsize=(13, 5.6), sharey=True, layout="constrained")
    for ax, name in zip(axes.flat, SHOWN, strict=True):
        drawn(curves[curves["trigger"] == name], rows[rows["trigger"] == name], ax)
    axes[0, 0].legend(fontsize=7)
    for ax in axes[:, 0]:
        ax.set_ylabel("lift", fontsize=8)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
