"""The holdout: accounts left alone on purpose, week after week, so that what the list adds can be counted.

Who is in it follows from a salted hash of the account's id alone: h(salt, id) < share. Such a threshold is stable: an
account that joins, leaves, or moves to another plan changes nobody else's place, and no register has to be kept.
It is exact only in expectation. Taking the lowest hashes *within* each stratum would be exact, but every account that
joins or changes its plan then pushes another over the line, and a holdout that loses members is no holdout. So the
shares within strata are made even once, at the start, by the choice of the salt (`evenest_salt`: the one of many
under which the strata's shares come closest), watched from then on (`balance`), and set right where the result
is counted (`difference`, post-stratified). The choice looks at the strata's counts alone, so within a stratum every
account had the same chance.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd

from data.errors import BadInput


def draws(keys: pd.Series, salt: str) -> pd.Series:
    """A number in [0, 1) for each key: the same wherever and whenever it is asked for.

    >>> draws(pd.Series(["a", "b"]), "2026").round(3).tolist()
    [0.25, 0.291]
    """
    head = f"{salt}:".encode()
    found = [int.from_bytes(hashlib.sha256(head + key.encode()).digest()[:8], "big") / 2**64 for key in keys]
    return pd.Series(found, index=keys.index, dtype="float64")


def held_out(
    account_ids: pd.Series,
    *,
    share: float,
    salt: str,
    strata: pd.Series | None = None,
    share_of: Mapping[str, float] | None = None,
) -> pd.Series:
    """Whether an account is in the holdout.

    strata, share_of: another share for some strata. A larger share keeps all who were held out under the smaller.

    >>> ids = pd.Series([f"acc-{i}" for i in range(1000)])
    >>> small, large = held_out(ids, share=0.05, salt="s"), held_out(ids, share=0.1, salt="s")
    >>> bool((small <= large).all()), int(small.sum())
    (True, 47)
    """
    return draws(account_ids, salt) < shares(account_ids, share=share, strata=strata, share_of=share_of)


def shares(
    account_ids: pd.Series,
    *,
    share: float,
    strata: pd.Series | None = None,
    share_of: Mapping[str, float] | None = None,
) -> pd.Series:
    """Each account's probability of being held out."""
    if not share_of:
        return pd.Series(share, index=account_ids.index)
    if strata is None:
        raise BadInput("params.yaml: decide: a holdout share per stratum needs the columns that make a stratum.")
    return strata.map(dict(share_of)).astype("float64").fillna(share)


def balance(strata: pd.Series, is_held_out: pd.Series, *, share: float) -> pd.DataFrame:
    """One row per stratum: `n`, `held_out`, `share`, and `off`: how many accounts more (or fewer) than the share asks.

    >>> balance(pd.Series(["x", "x", "y", "y"]), pd.Series([True, False, False, False]), share=0.5)["off"].tolist()
    [0.0, -1.0]
    """
    rows = pd.DataFrame({"stratum": strata, "held": is_held_out.astype("int64")})
    rows = rows.groupby("stratum", as_index=False).agg(n=("held", "size"), held_out=("held", "sum"))
    return rows.assign(share=rows["held_out"] / rows["n"], off=rows["held_out"] - share * rows["n"])


def evenest_salt(
    account_ids: pd.Series, strata: pd.Series, *, share: float, salt: str, n_tries: int = 200
) -> tuple[str, float]:
    """The salt under which the strata's shares are closest to `share`, of `salt-0` … ; and how far off in all (χ²).

    Choose it once, write it down (`decide.holdout_salt`), and leave it: another salt is another holdout.
    """
    code, names = pd.factorize(strata)
    n = np.bincount(code, minlength=len(names))
    found: list[tuple[float, str]] = []
    for i in range(n_tries):
        tried = f"{salt}-{i}"
        held = (draws(account_ids, tried) < share).to_numpy()
        off = np.bincount(code, weights=held, minlength=len(names)) - share * n
        found.append((float((off**2 / (share * (1 - share) * n)).sum()), tried))
    distance, best = min(found)
    return best, distance


def difference(outcome: pd.Series, is_held_out: pd.Series, strata: pd.Series) -> dict[str, float]:
    """What the list adds: Σ over strata of their share × (mean of the list − mean of the holdout), with standard error.

    Estimand: the mean over all accounts of the outcome if on the list less the outcome if held out.
    Raises BadInput where a stratum has fewer than two accounts on either side.
    """
    rows = pd.DataFrame({"y": outcome.astype("float64"), "held": is_held_out.astype(bool), "stratum": strata})
    sides = [rows[rows["held"] == held].groupby("stratum")["y"].agg(["mean", "var", "size"]) for held in (False, True)]
    both = (
        sides[0].join(sides[1], how="outer", lsuffix="_list", rsuffix="_held").fillna({"size_list": 0, "size_held": 0})
    )
    thin = both.index[(both["size_list"] < 2) | (both["size_held"] < 2)]
    if len(thin):
        raise BadInput(
            f"holdout: stratum {thin[0]} has fewer than two accounts on the list or held out; join it with another."
        )
    weight = (both["size_list"] + both["size_held"]) / len(rows)
    effect = both["mean_list"] - both["mean_held"]
    variance = both["var_list"] / both["size_list"] + both["var_held"] / both["size_held"]
    return {"effect": float((weight * effect).sum()), "se": float(np.sqrt((weight**2 * variance).sum()))}
