"""What is asked of every twin: as of which days, of which plan."""

from dataclasses import dataclass
from datetime import date
from typing import Self

from data.catalog import Catalog

FAR_DAYS = 365  # of days to a limit
UNSEEN_DAYS = 91  # since the last use, where there was none in 90
DEEP_DAYS = 12

# What an account without such rows has; the other columns are then null.
EMPTY = {
    **{f"events_{days}d": 0 for days in (7, 28, 90)},
    **{f"active_days_{days}d": 0 for days in (7, 28)},
    "days_since_use": UNSEEN_DAYS,
    "peak_users_28d": 0,
    **{f"{kind}features_used_28d": 0 for kind in ("", "plan_", "core_")},
    "deep_features_28d": 0,
    "gated_events_28d": 0,
    "gated_next_plan_28d": 0,
    "gated_features_90d": 0,
    "trial_days_28d": 0,
}


@dataclass(frozen=True)
class Question:
    """Everybody is on one plan, with a limit of `limit` on `metric`.

    in_plan, core and next_plan are features: those that the plan holds, the core ones among them, and those that the
    next plan adds. add_ons are the features that each opens, of those that open any.
    """

    as_ofs: tuple[date, ...]
    plan_id: str
    metric: str
    limit: float
    in_plan: tuple[str, ...]
    core: tuple[str, ...]
    next_plan: tuple[str, ...]
    add_ons: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, catalog: Catalog, plan_id: str, metric: str, limit: float, as_ofs: tuple[date, ...]) -> Self:
        """The plan as the catalogue has it."""
        held = next(plan.features for plan in catalog.plans if plan.id == plan_id)
        above = catalog.plan_beside(plan_id, 1)
        return cls(
            as_ofs=as_ofs,
            plan_id=plan_id,
            metric=metric,
            limit=limit,
            in_plan=tuple(held),
            core=tuple(f.id for f in catalog.features if f.is_core and f.id in held),
            next_plan=tuple(f for f in (above.features if above else []) if f not in held),
            add_ons={a.id: tuple(a.features) for a in catalog.add_ons if a.features},
        )

    def empty(self) -> dict[str, int]:
        """`EMPTY`, with a column for each add-on."""
        return {**EMPTY, **{f"gated_{name}_28d": 0 for name in self.add_ons}}
