"""`python -m benchmarks.decisions.picture` draws docs/img/regret.png from benchmarks/results/decisions.json."""

import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

RESULTS = Path("benchmarks/results/decisions.json")
OUT = Path("docs/img/regret.png")
SIZES = (2_500, 5_000, 10_000, 20_000, 40_000)


def main() -> None:
    """One line a preset: regret by the number of logged proposals, intervals over companies."""
    told = json.loads(RESULTS.read_text(encoding="utf-8"))
    presets = sorted({key.split(".")[0] for key in told if ".regret_curve." in key})
    figure, axes = plt.subplots(figsize=(7, 4))
    for preset in presets:
        sizes = [n for n in SIZES if f"{preset}.regret_curve.{n}" in told]
        at = [told.get(f"{preset}.n_proposals.{n}", n) for n in sizes]
        mean = [told[f"{preset}.regret_curve.{n}"] for n in sizes]
        low = [told.get(f"{preset}.regret_curve.{n}_low", m) for n, m in zip(sizes, mean, strict=True)]
        high = [told.get(f"{preset}.regret_curve.{n}_high", m) for n, m in zip(sizes, mean, strict=True)]
        (line,) = axes.plot(at, mean, marker="o", label=preset)
        axes.fill_between(at, low, high, color=line.get_color(), alpha=0.15)
    for bar in (0.10, 0.06):
        axes.axhline(bar, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks(SIZES, [f"{n:,}" for n in SIZES])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("logged proposals, a fifth of them random")
    axes.set_ylabel("regret to the best that knows the same")
    axes.legend(frameon=False)
    figure.tight_layout()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(OUT, dpi=140, metadata={"Software": None})


if __name__ == "__main__":
    main()
