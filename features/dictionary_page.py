"""`docs/features.md`: every feature with its unit, its description and its sentence, written from the features."""

from collections.abc import Sequence

from features.feature import Feature
from features.triggers import Trigger

HEAD = """# Features

Written by `python -m pipelines.dictionary` from the features themselves; a test holds it up to date. Each is known as of a
day D, from what was stamped before D. `{value}` is the account's own figure. *model*: the model reads it; the others serve
conditions of `catalog.yaml` and display. *act*: the customer or the CSM can do something about it.
*internal*: its sentence is for the team alone, and says so.
"""
_MARKS = (("model", "is_predictor"), ("act", "is_actionable"), ("internal", "is_internal"))

TRIGGERS = """## Triggers

A number comes from `params.yaml: triggers`; where it is `auto`, from past data (`reports/thresholds.csv`), and where these hold
none, it is the one in brackets.
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
            marks = " ".join(mark for mark, holds in _MARKS if getattr(f, holds))
            lines.append(
                f"| `{f.name}` | {f.unit} | {marks} | {f.description.en} | {f.sentence.en.replace('{s}', 's')} | {f.sentence.ja} |"
            )
        lines.append("")
    lines += [TRIGGERS, "| trigger | fires | name | evidence | 日本語 |", "|---|---|---|---|---|"]
    lines += [
        f"| `{t.id}` | {_fires(t)} | {t.name.en} | {t.evidence.en.replace('{s}', 's')} | {t.evidence.ja} |"
        for t in triggers
    ]
    return "\n".join(lines) + "\n"


def _fires(trigger: Trigger) -> str:
    number = f"auto ({trigger.number:g})" if trigger.is_auto else f"{trigger.number:g}"
    return f"`{trigger.column}` {'≥' if trigger.at_least else '≤'} {number}"
