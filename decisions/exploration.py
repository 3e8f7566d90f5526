"""Exploration: a share of the list is drawn at random, each draw with a probability that is known exactly.

Every place on the list is a lottery of its own. What may come out: the planned way; another allowed way of the same
account; a way of a stand-in (an account of the same owner that is not on the list; each stands in for one place); or
nobody. All of them use no more of any limit than the planned way does, so no draw exceeds a capacity, a budget or a
channel's limit, whatever the other draws are; and all are allowed, so no gate is passed. As the plan
is worked out before anything is drawn, and an account is in one lottery only, the probability of what happens to it
is read off its own place: that is the pscore, `none` included.

*epsilon*: with probability 1 − share the plan; else one of the place's accounts, or nobody, all alike, then one of
its ways, all alike. *thompson*: probabilities are counted from seeded draws of each way's expected money, normal with
its standard error × temperature, the highest of which wins (nobody: 0); of these, 1 − share; the rest as with epsilon,
so that nothing has probability 0. The pscore is that of the last draw, given those probabilities: exact either way.

Where the plan leaves room, `spare_places` an owner are drawn for those whom nothing but `no_gain` keeps off the list.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.errors import BadInput
from decisions.assignment import Assigned
from decisions.experiments import draws
from decisions.limits import rows_of
from decisions.week_settings import Exploration, Limit

NOBODY = "none"


@dataclass(frozen=True)
class Explored:
    """A week with its draws.

    chosen: one row per account that is contacted, with the columns of the ways, `place`, `is_planned` (its planned way
    came out) and `pscore`.
    withheld: one row per account that its lottery left out: `account_id`, `place`, `is_host` (was planned), `pscore`.
    lottery: one row per place and possible outcome: `place`, `account_id` and `offer_id` (`none`: nobody), `channel`,
    `discount_pct`, `is_planned`, `p`. The p of a place sum to 1.
    """

    chosen: pd.DataFrame
    withheld: pd.DataFrame
    lottery: pd.DataFrame


def explored(
    week: Assigned,
    settings: Exploration,
    *,
    seed: int,
    as_of: str,
    limits: list[Limit] | None = None,
    no_gain: pd.DataFrame | None = None,
    used: pd.DataFrame | None = None,
) -> Explored:
    """Draw the week.

    week: the plan, of `decisions.assignment.assign`. as_of: the day; the draw depends on it, the seed and the account.
    limits, no_gain, used: for spare places: the week's limits and the ways (columns as of `ways`) that nothing but
    `no_gain` blocks; their places are drawn in whatever room the plan leaves.
    Raises BadInput where thompson has no `se` for a way.
    """
    options = lotteries(week, settings, key=f"{seed}:{as_of}", limits=limits, no_gain=no_gain, used=used)
    return draw(options, key=f"{seed}:{as_of}")


def lotteries(
    week: Assigned,
    settings: Exploration,
    *,
    key: str,
    limits: list[Limit] | None = None,
    no_gain: pd.DataFrame | None = None,
    used: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per place and possible outcome, with its probability `p`; see `explored`.

    key: what the stand-ins' places, and thompson's draws, depend on.
    """
    options = _of_plan(week, settings, key)
    if settings.spare_places and no_gain is not None and len(no_gain) and limits:
        spare = _spare(week, settings, key, limits, no_gain, used, taken=set(options["account_id"]))
        options = pd.concat([options, spare], ignore_index=True)
    options = _with_nobody(options)
    options = options.sort_values(["place", "account_id", "offer_id", "channel", "discount_pct"], ignore_index=True)
    return options.assign(p=_probabilities(options, settings, key))


def _of_plan(week: Assigned, settings: Exploration, key: str) -> pd.DataFrame:
    """One row per way that may come out of each planned place; `place` is the planned account."""
    rows, planned = week.ways, np.flatnonzero(week.taken)
    account = week.problem.account
    if settings.kind == NOBODY:
        found = rows.iloc[planned].assign(is_planned=True)
        return found.assign(place=found["account_id"])
    place_of_account = np.full(week.problem.n_accounts, -1)
    place_of_account[account[planned]] = planned
    ids = rows["account_id"].to_numpy()
    first = np.flatnonzero(np.diff(account, prepend=-1))
    owner = rows["owner_id"].astype("object").fillna("").to_numpy()[first]
    host = pd.DataFrame(
        {"owner": owner, "way": place_of_account, "draw": draws(pd.Series(ids[first]), f"stand-in:{key}")}
    )
    outside = host[host["way"] < 0].sort_values(["owner", "draw"], kind="stable")
    places = host[host["way"] >= 0].sort_values(["owner", "draw"], kind="stable")
    n_places = outside["owner"].map(places.groupby("owner").size()).fillna(0).astype("int64")
    turn = outside.groupby("owner").cumcount()
    seat = (turn % n_places.where(n_places > 0, 1)).where(n_places > 0)
    table = places.assign(seat=places.groupby("owner").cumcount().astype("float64"))
    stands = outside[["owner"]].assign(seat=seat.astype("float64"), account=outside.index)
    stands = stands.dropna(subset=["seat"]).merge(
        table[["owner", "seat", "way"]], on=["owner", "seat"], validate="many_to_one"
    )
    place_of_account[stands["account"].to_numpy(dtype=np.int64)] = stands["way"].to_numpy()
    ways = np.flatnonzero(place_of_account[account] >= 0)
    at = place_of_account[account[ways]]
    n_limits = len(week.limits)
    uses = week.problem.uses[:n_limits].tocsc()
    more = (uses[:, ways] - uses[:, at]).tocsc()
    fits = np.ones(len(ways), dtype=bool)
    exceeds = more.copy()
    exceeds.data = (exceeds.data > 1e-12).astype("float64")
    fits = np.asarray(exceeds.sum(axis=0)).ravel() == 0
    ways, at = ways[fits], at[fits]
    found = rows.iloc[ways].copy()
    return found.assign(is_planned=ways == at, place=ids[at])


def _spare(
    week: Assigned, settings: Exploration, key: str, limits: list[Limit], no_gain: pd.DataFrame,
    used: pd.DataFrame | None, *, taken: set[str],
) -> pd.DataFrame:  # fmt: skip
    """Places in the room that the plan leaves: one row per way that may come out; none of them planned."""
    rows = no_gain[~no_gain["account_id"].isin(taken | set(week.chosen["account_id"]))]
    rows = rows.sort_values(["account_id", "offer_id", "channel", "discount_pct"], ignore_index=True)
    counted = rows_of(limits, rows, used)
    key_of = ["limit_id", "group"]
    before = week.limits.set_index(key_of)["used"]
    left = counted.room - before.reindex(pd.MultiIndex.from_frame(counted.table[key_of])).fillna(0.0).to_numpy()
    owner = rows["owner_id"].astype("object").fillna("")
    matrix = counted.matrix.tocsc()
    parts = []
    for name, mine in rows.groupby(owner, sort=True):
        worst = matrix[:, mine.index.to_numpy()].max(axis=1).toarray().ravel()
        asks = worst > 0
        fit = np.floor((left[asks] / worst[asks]).min() + 1e-9) if asks.any() else np.inf
        n = int(min(settings.spare_places, fit, mine["account_id"].nunique()))
        if n <= 0:
            continue
        left = left - n * worst  # whoever comes out, it fits
        accounts = pd.Series(mine["account_id"].unique())
        turn = draws(accounts, f"spare:{key}").rank(method="first").astype("int64") - 1
        place = (turn % n).map(lambda i, name=name: f"spare:{name}:{i}")
        parts.append(
            mine.assign(is_planned=False, place=mine["account_id"].map(dict(zip(accounts, place, strict=True))))
        )
    return pd.concat(parts, ignore_index=True) if parts else rows.iloc[:0].assign(is_planned=False, place="")


def _with_nobody(options: pd.DataFrame) -> pd.DataFrame:
    nobody = pd.DataFrame({"place": options["place"].unique()}).assign(
        account_id=NOBODY, offer_id=NOBODY, channel="", discount_pct=0.0, is_planned=False, priority=0.0, se=0.0
    )
    return pd.concat([options, nobody], ignore_index=True)


def _probabilities(options: pd.DataFrame, settings: Exploration, key: str) -> np.ndarray:
    """The probability of each option of a place, which come sorted by place."""
    planned = options["is_planned"].to_numpy(dtype="float64")
    if settings.kind == NOBODY:
        return planned
    ways_of = options.groupby(["place", "account_id"])["offer_id"].transform("size").to_numpy()
    accounts_of = options.groupby("place")["account_id"].transform("nunique").to_numpy()
    even = 1.0 / (accounts_of * ways_of)
    has_plan = options.groupby("place")["is_planned"].transform("any").to_numpy()
    if settings.kind == "epsilon":
        return np.where(has_plan, settings.share * even + (1 - settings.share) * planned, even)
    if "se" not in options or options["se"].isna().any():
        raise BadInput(
            "candidates: thompson sampling needs the standard error of each expected amount (`se`), which is missing; "
            "set decide.week.explore.kind to epsilon."
        )
    money = options["priority"].to_numpy(dtype="float64")
    wide = settings.temperature * options["se"].to_numpy(dtype="float64")
    first = np.flatnonzero((options["place"] != options["place"].shift()).to_numpy())
    place = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(options))))
    random = np.random.default_rng(list(f"thompson:{key}".encode()))
    wins = np.zeros(len(options))
    for _ in range(settings.n_draws):
        value = money + wide * random.standard_normal(len(options))
        best = np.maximum.reduceat(value, first)
        won = np.flatnonzero(value == best[place])
        wins[won[np.unique(place[won], return_index=True)[1]]] += 1
    return settings.share * even + (1 - settings.share) * wins / settings.n_draws


def draw(options: pd.DataFrame, *, key: str) -> Explored:
    """What comes out of each place's lottery (`lotteries`), by a salted hash of the key and the place."""
    places = pd.Series(options["place"].unique())
    at = draws(places, f"explore:{key}").set_axis(places)
    up_to = options.groupby("place")["p"].cumsum()
    over = up_to.astype("float64") > options["place"].map(at).astype("float64")
    # the first option at which the probabilities' sum passes the number drawn; the last may lack a grain by rounding
    possible = options["p"] > 0
    last = options[possible].drop_duplicates("place", keep="last").index
    over.loc[last] = True
    came_out = options[over & possible].drop_duplicates("place").index
    is_out = pd.Series(False, index=options.index)
    is_out.loc[came_out] = True
    chosen = options[is_out & (options["account_id"] != NOBODY)].rename(columns={"p": "pscore"})
    chosen = chosen.sort_values("account_id", ignore_index=True)
    others = options[(options["account_id"] != NOBODY) & ~options["account_id"].isin(chosen["account_id"])]
    withheld = others.groupby(["account_id", "place"], as_index=False).agg(
        p=("p", "sum"), is_host=("is_planned", "any")
    )
    withheld = withheld.assign(pscore=1 - withheld["p"]).drop(columns="p")
    lottery = options[["place", "account_id", "offer_id", "channel", "discount_pct", "is_planned", "p"]]
    return Explored(chosen, withheld[["account_id", "place", "is_host", "pscore"]], lottery)
