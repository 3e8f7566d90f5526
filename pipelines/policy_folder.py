"""The folder that `upsell policy fit` writes and `evaluate` reads: text and JSON only, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from data.errors import BadInput
from decisions.policy import POLICY_FILE, Policy
from models.table import Preparation
from models.vocabulary import Vocabulary
from pipelines import written

CONTEXT = "context.json"
REPORT = "report.json"


@dataclass(frozen=True)
class Kept:
    """A policy, how it reads a table, and what it was fitted with (`log`: roles of columns, costs, a hash)."""

    policy: Policy
    preparation: Preparation
    vocabulary: Vocabulary
    log: Mapping[str, Any]

    def choose(self, table: pa.Table) -> np.ndarray:
        """The place in the policy's actions of what it does in each row."""
        return self.policy.choose(self.vocabulary.encode(self.preparation.features(table)))


def check_free(out: Path) -> None:
    """Raises BadInput where `out` holds something that `upsell policy fit` has not written, or cannot be made."""
    if out.is_dir():
        found = {path.name for path in out.iterdir()}
        ours = {POLICY_FILE, CONTEXT} <= found and all(
            name in (POLICY_FILE, CONTEXT, REPORT) or name.startswith("booster_") for name in found
        )
        if found and not ours:
            raise BadInput(f"--out: {out} holds something that is no policy of ours; give another folder.")
    elif out.exists():
        raise BadInput(f"--out: {out} is a file, and a folder was expected; give another name.")
    elif not out.absolute().parent.is_dir():
        raise BadInput(f"--out: there is no folder {out.absolute().parent}; make it first.")


def write(out: Path, kept: Kept, report: Mapping[str, Any]) -> None:
    """Replace the folder by this policy, in one step."""
    making = out.with_name(f".{out.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        for name, content in kept.policy.to_files().items():
            written.text(making / name, content)
        context = {
            "policy_version": kept.policy.policy_version,
            "log": dict(kept.log),
            "preparation": kept.preparation.to_json(),
            "vocabulary": kept.vocabulary.to_json(),
        }
        written.as_json(making / CONTEXT, context)
        written.as_json(making / REPORT, report)
        shutil.rmtree(out, ignore_errors=True)
        making.rename(out)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def read(folder: Path) -> Kept:
    """Raises BadInput where the folder holds no policy, or its files were changed."""
    if not folder.is_dir() or not (folder / POLICY_FILE).is_file() or not (folder / CONTEXT).is_file():
        raise BadInput(
            f"--policy: {folder} holds no policy of `upsell policy fit` ({POLICY_FILE} or {CONTEXT} is missing); give "
            "the folder of --out."
        )
    try:
        names = [path for path in sorted(folder.iterdir()) if path.suffix == ".txt" or path.name == POLICY_FILE]
        policy = Policy.from_files({path.name: path.read_text(encoding="utf-8") for path in names})
        context = json.loads((folder / CONTEXT).read_text(encoding="utf-8"))
        version, log = context["policy_version"], dict(context["log"])
        preparation = Preparation.from_json(context["preparation"])
        vocabulary = Vocabulary.from_json(context["vocabulary"])
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BadInput(f"--policy: {folder / CONTEXT} is not what `upsell policy fit` wrote; fit again.") from None
    if policy.policy_version != version:
        raise BadInput(
            f"--policy: {folder / CONTEXT} belongs to policy {version}, beside it is {policy.policy_version}."
        )
    return Kept(policy, preparation, vocabulary, log)
