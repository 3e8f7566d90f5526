"""`docs/features.md`: every feature with its unit, its description and its sentence, written from the features."""

from collections.abc import Sequence

from features.feature import Feature
from features.triggers import Trigger

HEAD = """# Features

Written by `python -m pipelines.dictionary` from the features themselves; a test holds it up to date. Each is known as of a
day D, from what was stamped before D. `{value}` is the account's own figure. *model*: the model reads it; the others serve
conditions of `catalog.yaml` and display. *act*: the customer or the CSM can do something about it.
"""


def page(named: Sequence[Feature], triggers: Sequence[Trigger]) -> str:
    """The page in Markdown. Metrics and add-ons of the catalogue have features of their own."""
    lines = [HEAD]
    for group in dict.fromkeys(f.group for f in named):
        members = [f for f in named if f.group == group]
        lines += [
            f"## {group}",
            "",
            "| feature | unit | | description | sentence | 日本語 |",
            "|---|---|---|---|---|---|",
        ]
        for f in members:
            marks = " ".join(mark for mark, holds in (("model", f.is_predictor), ("act", f.is_actionable)) if holds)
            lines.append(
                f"| `{f.name}` | {f.unit} | {marks} | {f.description.en} | {f.sentence.en} | {f.sentence.ja} |"
            )
        lines.append("")
    lines += ["## Triggers", "", "| trigger | name | evidence | 日本語 |", "|---|---|---|---|"]
    lines += [f"| `{t.id}` | {t.name.en} | {t.evidence.en} | {t.evidence.ja} |" for t in triggers]
    return "\n".join(lines) + "\n"
