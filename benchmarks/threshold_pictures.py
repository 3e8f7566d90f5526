"""The picture of thresholds in docs/for-data-scientists.md: `python -m benchmarks.threshold_pictures` after `dvc repro`.

Writes docs/img/thresholds.png from reports/thresholds.csv and reports/threshold_curves.csv.
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from pipelines.find import CURVES, TABLE

PICTURE = Path("docs/img/thresholds.png")
SHOWN = (
    "gated_features", "power_features", "limit_active_users_soon", "limit_active_users_high", "promoter", "use_growing",
    "life_event", "executive_engaged",
)  # fmt: skip
BLUE, ORANGE, GREY = "#2a6f97", "#e07a3f", "#8d99a6"


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
    """Draw those triggers that the company has curves of."""
    curves, rows = pd.read_csv(CURVES), pd.read_csv(TABLE)
    figure, axes = plt.subplots(2, 4, figsize=(13, 5.6), sharey=True, layout="constrained")
    for ax, name in zip(axes.flat, SHOWN, strict=True):
        drawn(curves[curves["trigger"] == name], rows[rows["trigger"] == name], ax)
    axes[0, 0].legend(fontsize=7)
    for ax in axes[:, 0]:
        ax.set_ylabel("lift", fontsize=8)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
