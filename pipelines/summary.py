"""What `make run` says at its end: how good the model is, the top of the list, and where to look."""

import os
import sys
from pathlib import Path

import pandas as pd

from pipelines import paths, stage, written

NOT_JUDGED = "The model that made this list is not the one that reports/metrics.json judges."


def text(folder: Path = Path()) -> str:
    """The end of a run, for a terminal; `folder` is the company's."""
    metrics = written.read_json(folder / paths.METRICS)
    ranked = pd.read_parquet(folder / paths.WEEKLY / "ranked_accounts.parquet")
    counts = ranked["assignment"].value_counts()
    top = ranked[ranked["assignment"] == "contact"].head(5)
    lines = [
        "",
        metrics["verdict"] if (ranked["model_version"] == metrics["model_version"]).all() else NOT_JUDGED,
        "",
        f"Week of {ranked['as_of'].iloc[0]}: {len(ranked):,} active accounts, {counts.get('contact', 0):,} to contact, "
        f"{counts.get('nurture', 0):,} to help first, {counts.get('holdout', 0):,} held out.",
        "",
    ]
    for row in top.to_dict("records"):
        lines.append(f"{row['rank']:>4}  {row['account_name']}  ·  {row['offer_id']}  ·  {row['propensity']:.0%}")
        lines.append(f"      {row['reason_1'] or ''}")
    weekly = folder / paths.WEEKLY
    lines += ["", f"The list: {weekly}/index.html and {weekly}/ranked_accounts.xlsx"]
    return "\n".join(lines)


def main() -> None:
    """Print the end of a run, of the company in the folder given or of this one."""
    given = [argument for argument in sys.argv[1:] if argument]
    try:
        print(text(Path(given[0]) if given else Path()), flush=True)
    except BrokenPipeError:
        # `make run | head` has read enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    stage.run(main)
