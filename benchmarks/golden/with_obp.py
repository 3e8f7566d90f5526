"""Run by benchmarks/golden/ope.py in obp's environment: a log of 60 rows and obp's estimates of a policy's value.

    python with_obp.py OUT.json

obp imports PyTorch for its neural policies and for type hints only; the estimators below are numpy. An empty module
stands in for it, which would fail loudly if anything were computed with it.
"""

import json
import sys
import types
from importlib.metadata import version
from pathlib import Path

import numpy as np

N, ACTIONS = 60, 3
SWITCHES = (0.5, 1.0, 2.0, 5.0, 1e9)


class _Named(type):
    """A class whose every attribute is such a class, as far down as anyone asks."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Named(name, (), {})


class _Absent(types.ModuleType):
    """A module whose every attribute is an empty class."""

    def __getattr__(self, name: str) -> type:
        return getattr(_Named("torch", (), {}), name)


for module in ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils", "torch.utils.data"):
    sys.modules[module] = _Absent(module)

from obp.ope import (  # noqa: E402 - after the stand-in
    DirectMethod,
    DoublyRobust,
    InverseProbabilityWeighting,
    SelfNormalizedInverseProbabilityWeighting,
    SwitchDoublyRobust,
)


def main() -> None:
    """Draw, estimate, write."""
    rng = np.random.default_rng(2026)
    policy = rng.dirichlet(np.ones(ACTIONS), N)
    policy[: N // 4] = np.eye(ACTIONS)[rng.integers(0, ACTIONS, N // 4)]  # some rows where it is sure
    action = rng.integers(0, ACTIONS, N)
    pscore = rng.uniform(0.05, 0.9, N)
    reward = np.where(rng.random(N) < 0.4, rng.lognormal(size=N), 0.0)
    forecast = rng.uniform(0, 2, (N, ACTIONS))
    given = {
        "action": action,
        "reward": reward,
        "pscore": pscore,
        "action_dist": policy[:, :, None],
        "estimated_rewards_by_reg_model": forecast[:, :, None],
        "position": np.zeros(N, dtype=int),
    }
    found = {
        "ips": InverseProbabilityWeighting().estimate_policy_value(**given),
        "snips": SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given),
        "direct": DirectMethod().estimate_policy_value(**given),
        "dr": DoublyRobust().estimate_policy_value(**given),
    }
    switched = [SwitchDoublyRobust(lambda_=switch).estimate_policy_value(**given) for switch in SWITCHES]
    content = {
        "made_by": f"benchmarks/golden/ope.py with obp {version('obp')}, numpy {version('numpy')}",
        "policy": policy.tolist(),
        "action": action.tolist(),
        "pscore": pscore.tolist(),
        "reward": reward.tolist(),
        "forecast": forecast.tolist(),
        "found": {name: float(value) for name, value in found.items()},
        "switches": list(SWITCHES),
        "switched": [float(value) for value in switched],
    }
    Path(sys.argv[1]).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
