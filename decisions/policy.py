"""A policy: which action to take in which context. Kept as JSON and LightGBM's text, which run nothing when opened.

It takes the action whose expected reward, less its cost, is highest: for each action a mean over all contexts, plus
`trust` times how far this context is from that mean. With trust 0, or no regions learnt, it is the best single action.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import lightgbm as lgb
import numpy as np

from data.errors import BadInput
from models.design import Design, Ridge

FORMAT = 1
POLICY_FILE = "policy.json"
KINDS = ("constant", "linear", "boosted")


@dataclass(frozen=True)
class Policy:
    """`means`: net reward of each action over all contexts. `lines` or `boosters_text`: by action, how far a context is
    from the mean (a line over `design`, or a booster over the columns themselves). `facts` are for people only."""

    actions: tuple[str, ...]
    means: tuple[float, ...]
    kind: str = "constant"
    trust: float = 0.0
    design: Design | None = field(default=None, repr=False)
    lines: tuple[Ridge, ...] = field(default=(), repr=False)
    boosters_text: tuple[str, ...] = field(default=(), repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def best(self) -> int:
        """The place of the best single action."""
        return int(np.argmax(self.means))

    @cached_property
    def boosters(self) -> tuple[lgb.Booster, ...]:
        """From the text that is kept, so that a policy just learnt and one just loaded are the same."""
        return tuple(lgb.Booster(model_str=text) for text in self.boosters_text)

    def effects(self, X: np.ndarray) -> np.ndarray:
        """How far each action's net reward in these contexts is from its mean, before trust; (rows, actions)."""
        if self.kind == "linear" and self.design is not None:
            Z = self.design(X)
            return np.stack([line(Z) for line in self.lines], axis=1)
        if self.kind == "boosted":
            return np.stack([booster.predict(X) for booster in self.boosters], axis=1)
        return np.zeros((len(X), len(self.actions)))

    def net_reward(self, X: np.ndarray) -> np.ndarray:
        """Expected reward less cost, by action; (rows, actions)."""
        return np.array(self.means) + self.trust * self.effects(X)

    def choose(self, X: np.ndarray) -> np.ndarray:
        """The place of the action for each row; ties go to the best single action.

        >>> Policy(("email", "call"), (0.2, 0.5)).choose(np.zeros((2, 0)))
        array([1, 1])
        """
        net = self.net_reward(X)
        found = net.argmax(axis=1)
        return np.where(net[:, self.best] >= net[np.arange(len(X)), found], self.best, found)

    @property
    def policy_version(self) -> str:
        """Twelve hex digits of the hash of all that is computed with."""
        content = {name: value for name, value in self._content().items() if name != "facts"}
        text = json.dumps(content, sort_keys=True) + "\0".join(self.boosters_text)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def to_files(self) -> dict[str, str]:
        """Name → content: policy.json, and a booster per action where there are boosters."""
        content = {"policy_version": self.policy_version, **self._content()}
        files = {POLICY_FILE: json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"}
        return files | {f"booster_{i}.txt": text for i, text in enumerate(self.boosters_text)}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Policy:
        """From what `to_files` gave. Raises BadInput where a file is missing, unreadable or changed."""
        if POLICY_FILE not in files:
            raise BadInput(f"the policy lacks {POLICY_FILE}; learn it again with `upsell policy fit`.")
        try:
            content = json.loads(files[POLICY_FILE])
            if content["format"] != FORMAT:
                raise BadInput(f"{POLICY_FILE} is of format {content['format']}, and this reads {FORMAT}; learn again.")
            if content["kind"] not in KINDS:
                raise BadInput(f"{POLICY_FILE}: there is no kind of policy {content['kind']}; learn again.")
            n_boosters = len(content["actions"]) if content["kind"] == "boosted" else 0
            made = cls(
                tuple(content["actions"]),
                tuple(float(mean) for mean in content["means"]),
                content["kind"],
                float(content["trust"]),
                Design.from_json(content["design"]) if content["design"] else None,
                tuple(Ridge(float(one["intercept"]), np.array(one["slopes"], "float64")) for one in content["lines"]),
                tuple(files[f"booster_{i}.txt"] for i in range(n_boosters)),
                content["facts"],
            )
            said, version = content["policy_version"], made.policy_version
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{POLICY_FILE} or a booster beside it cannot be read ({error!r}); learn again.") from None
        if version != said:
            raise BadInput(f"the policy's files were changed: they make {version}, not {said}; learn again.")
        return made

    def _content(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "actions": list(self.actions),
            "means": list(self.means),
            "trust": self.trust,
            "design": self.design.to_json() if self.design else None,
            "lines": [{"intercept": line.intercept, "slopes": line.slopes.tolist()} for line in self.lines],
            "facts": dict(self.facts),
        }
