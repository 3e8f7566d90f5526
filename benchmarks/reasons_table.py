"""The table of docs/contributions.md, from benchmarks/results/reasons.json; a test holds that it is."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.readme import WIDTH, filled
from pipelines import written

PAGE = Path("docs/contributions.md")
SYSTEMS = {
    "engine_f32": "**this engine, float32**",
    "engine_f64": "**this engine, float64**",
    "pred_contrib": "`predict(pred_contrib=True)`",
    "shap": "shap (which calls it)",
    "woodelf": "woodelf-explainer",
    "fasttreeshap_v1": "fasttreeshap, v1",
    "fasttreeshap_v2": "fasttreeshap, v2",
}


def table(results: Mapping[str, Any]) -> str:
    """A row per system: per model and size its rows per CPU second; its largest difference where nothing is refused."""
    cells = {tuple(key.split(".")[:3]) for key in results if "_leaves." in key}
    models = sorted({cell[:2] for cell in cells}, key=lambda model: (model[1] != "plain", model))
    sizes = sorted({int(cell[2]) for cell in cells})
    heads = [f"{leaves.replace('_', ' ')}{'' if kind == 'plain' else ', ' + kind}" for leaves, kind in models]
    of_sizes = " / ".join(f"{size:,}" for size in sizes)
    lines = [
        f"| rows per CPU second at {of_sizes} rows | {' | '.join(heads)} | differs by |",
        "|---|" + "---:|" * (len(models) + 1),
    ]
    for system, name in SYSTEMS.items():
        rates = [
            [results.get(f"{'.'.join(model)}.{size}.{system}.rows_per_cpu_s") for size in sizes] for model in models
        ]
        shown = [" / ".join(f"{rate:,.0f}" for rate in some) if all(some) else "refused" for some in rates]
        worst = max(results.get(f"{'.'.join(model)}.{sizes[-1]}.{system}.max_diff", 0) for model in models)
        lines.append(f"| {name} | {' | '.join(shown)} | {worst:.0e} |")
    return "\n".join(lines)


def fill(results: Mapping[str, Any]) -> None:
    """Write the page's blocks."""
    text = PAGE.read_text(encoding="utf-8")
    written.text(PAGE, filled(text, {"table": table(results), "headline": headline(results)}))


def headline(results: Mapping[str, Any]) -> str:
    """The promise in a sentence."""
    names = ("speedup_f64", "speedup_f32", "speedup_1k", "speedup_1k_f32")
    f64, f32, k64, k32 = (f"{results[name]:.0f}" for name in names)
    return textwrap.fill(
        f"Over 100,000 rows it gives {f64} times the rows per CPU second of LightGBM's own in float64, within "
        f"{results['max_diff_f64']:.0e} of them, and {f32} times in float32, within {results['max_diff_f32']:.0e}. "
        f"Over 1,000 rows, reading the booster included, it is {k64} and {k32} times. The first call of an install "
        f"compiles for {results['compile_cpu_s']:.0f} CPU seconds.",
        WIDTH,
    )
