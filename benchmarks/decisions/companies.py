"""What one simulated company's decision has before it: features, log, terms; and, apart, the truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.decisions.past import proposals as past_proposals
from benchmarks.decisions.worlds import ENDS_ON, KEPT, MONTHS
from data.catalog import Catalog
from features.build import dictionary
from models.response_log import known
from models.together_lift import with_lifts
from pipelines.params import Params
from pipelines.simulate import world_of

RANDOM_SHARE = 0.2  # of a thinned log
CHOICE = ["account_id", "offer_id", "channel", "discount_pct"]


@dataclass(frozen=True, eq=False)
class Company:
    """snapshots: every month, the last of which is the day of the decision; log: answered by then."""

    folder: Path
    catalog: Catalog
    snapshots: pd.DataFrame
    log: pd.DataFrame
    truth: pd.DataFrame
    predictors: list[str]

    @property
    def accounts(self) -> pd.DataFrame:
        """On the day of the decision."""
        return self.snapshots[self.snapshots["as_of"] == self.snapshots["as_of"].max()].reset_index(drop=True)

    @property
    def contacts(self) -> pd.DataFrame:
        """Every contact there was, whether or not a thinned log holds it."""
        return self.log.loc[self.log["offer_id"] != "none", ["account_id", "proposed_at"]]

    @property
    def capacity(self) -> int:
        """One account in ten."""
        return len(self.accounts) // 10

    def thinned(self, n: int, seed: int) -> pd.DataFrame:
        """About n proposals that a snapshot speaks for, a fifth of them random where there are as many."""
        first = pd.Timestamp(self.snapshots["as_of"].min())
        rows = self.log[pd.to_datetime(self.log["proposed_at"]) >= first]
        draw = np.random.default_rng(seed)
        is_random = rows["pscore"].notna().to_numpy()
        random, people = np.flatnonzero(is_random), np.flatnonzero(~is_random)
        a = draw.permutation(random)[: int(n * RANDOM_SHARE)]
        b = draw.permutation(people)[: n - len(a)]
        return rows.iloc[np.sort(np.concatenate([a, b]))].reset_index(drop=True)


def read(folder: Path) -> Company:
    """A company that `worlds` wrote."""
    catalog = Catalog.load(folder / "catalog.yaml")
    params = Params.load()
    predictors = [f.name for f in dictionary(catalog, params.health, params.lifecycle) if f.is_predictor]
    features = pd.read_parquet(folder / "features.parquet").assign(as_of=lambda t: pd.to_datetime(t["as_of"]))
    log = pd.DataFrame({name: [] for name in ("offer_id", "account_id", "proposed_at", "pscore")})
    if (folder / "proposals.parquet").is_file():
        log = known(pd.read_parquet(folder / "proposals.parquet"), features["as_of"].max())
        terms = pd.read_parquet(folder / "subscriptions.parquet")
        features = with_lifts(features, terms.assign(known_on=terms["valid_from_on"]), catalog, params.combine)
    truth = pd.read_parquet(folder / "response.parquet")
    return Company(folder, catalog, features, log, truth, predictors)


def past(folder: Path, catalog: Catalog) -> pd.DataFrame:
    """What the company's CSMs would propose that day; worked out once."""
    file = folder / "past.parquet"
    if not file.is_file():
        preset, accounts, seed = folder.name.split("-")[:3]
        rows = past_proposals(
            catalog, world_of(preset), accounts=int(accounts), months=MONTHS, seed=int(seed), ends_on=ENDS_ON
        )
        rows.to_parquet(file.with_suffix(".partial"))
        file.with_suffix(".partial").rename(file)
    return pd.read_parquet(file)


def there(preset: str, first: int, n: int, *, only_now: bool = False, accounts: int = 20_000) -> list[Path]:
    """Those of the companies that are there."""
    end = "-now" if only_now else ""
    found = [KEPT / f"{preset}-{accounts}-{seed}{end}" for seed in range(first, first + n)]
    return [folder for folder in found if folder.is_dir()]
