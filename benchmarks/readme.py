"""The README's figures, from where they were measured: `python -m benchmarks.readme` after `make run`.

What stands between `<!-- name -->` and `<!-- /name -->` is written by this; a test holds the table of metrics against
reports/metrics.json.
"""

import re
import textwrap
from pathlib import Path
from typing import Any

from pipelines import paths, summary, written

README = Path("README.md")
RESULTS = Path("benchmarks/results/pipeline.json")
WIDTH = 110
SYSTEMS = {
    "ours": "this model",
    "logistic": "logistic regression",
    "rule_80": '"80 % of a limit" rule',
    "base_rate": "base rate",
}
SHOWN = {"log_loss": "log loss", "average_precision": "average precision", "auc": "AUC"}


def metrics_table(metrics: dict[str, Any], results: dict[str, Any]) -> str:
    """The model beside the baselines, with intervals; and what would be possible."""

    def cell(measured: dict[str, float]) -> str:
        return f"{measured['value']:.3f} ({measured['low']:.3f}-{measured['high']:.3f})"

    lines = ["| | " + " | ".join(SHOWN.values()) + " |", "|---|" + "---|" * len(SHOWN)]
    for system, name in SYSTEMS.items():
        lines.append(f"| {name} | " + " | ".join(cell(metrics[system][metric]) for metric in SHOWN) + " |")
    truth = metrics["simulated"]["auc_of_p_logged"]["value"]
    note = (
        f"({100 * metrics['interval']:.0f} % intervals, bootstrapped by account. The AUC of the true probability, "
        f"causes that nobody observes included, is {truth:.3f}. A model trained on ten times as many accounts of the "
        f"same make reaches {results['auc_ten_times']:.3f} on the same rows: `python -m benchmarks.ten_times`.)"
    )
    return "\n".join([*lines, "", textwrap.fill(note, WIDTH)])


def run_end() -> str:
    """What `make run` says at its end."""
    lines = summary.text().strip().splitlines()
    wrapped = [textwrap.fill(line, WIDTH, subsequent_indent="  ") if len(line) > WIDTH else line for line in lines]
    return "\n".join(["```text", *wrapped, "```"])


def filled(text: str, blocks: dict[str, str]) -> str:
    """`text` with each block between its marks replaced.

    >>> filled("a <!-- x -->old<!-- /x --> b", {"x": "new"})
    'a <!-- x -->\\nnew\\n<!-- /x --> b'
    """
    for name, content in blocks.items():
        pattern = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
        text = pattern.sub(lambda _, n=name, c=content: f"<!-- {n} -->\n{c}\n<!-- /{n} -->", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Write the README's blocks."""
    blocks = {
        "run": run_end(),
        "metrics": metrics_table(written.read_json(paths.METRICS), written.read_json(RESULTS)),
    }
    written.text(README, filled(README.read_text(encoding="utf-8"), blocks))


if __name__ == "__main__":
    main()
