"""The response to offers: what making one adds to what the account would do by itself, and what that is worth.

    expected = uplift × context × value,    uplift = p_accept − p_organic

For help, trials and retention, which sell nothing at once, uplift is the rise in the probability of growing (or
staying) within a year: p_accept × the rise among those who accept (models/aftermath.py); p_organic is 0.

p_accept: the offer is accepted if it is made now, so, by this channel, at this discount. p_organic: the account does
the same thing by itself within the horizon. value: money a year, twelve months on, of having it, net of the discount.
context: the share of `uplift × value` that is left after a year. Who accepts is ahead of itself until the day on which
it would have bought; with a the probability of accepting and q that of buying by itself within a year,

    expected = a · (1 − q) · value,    context = a · (1 − q) / (a − p_organic),

above 1 where p_organic takes off, as a difference of two rates must, what is lost to those who accept alone. Seats are
bought again: of them (1 − f · q) is left, with f learnt (models/realised.py).

harm: what asking does beside the offer's own change, by what is left behind where the answer is no and where it is yes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from data.catalog import Catalog, Offer
from data.errors import BadInput
from features import offers
from features.offer_relative import COLUMNS, relative
from models import acceptance, aftermath, calibrated, months, organic, realised, response_log, uplift_explained, worth
from models.acceptance import Acceptance
from models.account_columns import AccountColumns
from models.aftermath import SELLS, After
from models.offer_design import OfferDesign
from models.organic import LEAVE, Organic
from models.realised import Seats
from models.response_settings import Respond
from models.ridge import Ridge
from models.together_lift import PREFIX
from models.worth import Alone

FILE = "response.json"
RELATIVE = (*COLUMNS, "alone", "wants_most", "leaves", "together_lift")
LEAST_UPLIFT = 1e-6
MENU = (
    "account_id", "as_of", "offer_id", "channel", "discount_pct", "p_accept", "p_organic", "uplift", "value",
    "context", "expected", "harm", "se",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Response:
    """A learnt response; `acceptance` is None where there was too little to learn from, and `facts["note"]` says so."""

    organic: Organic | None
    acceptance: Acceptance | None
    realised: dict[str, tuple[float, float]]
    seats: Seats = field(default_factory=Seats)
    after: dict[str, After] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, log: pd.DataFrame, snapshots: pd.DataFrame, catalog: Catalog, *, predictors: Sequence[str],
        settings: Respond, seed: int, contacts: pd.DataFrame | None = None, organic_model: Organic | None = None,
    ) -> Response:  # fmt: skip
        """Learn from the log and the monthly snapshots (features beside terms, one row per account and as_of).

        predictors: the features that may be learnt from. contacts: account_id and proposed_at of every contact, where
        the log holds only some of them. organic_model: one that was already learnt. Raises BadInput where a pscore
        cannot be believed.
        """
        log = response_log.checked(log)
        rows = response_log.joined(log, snapshots)
        made = rows[rows["offer_id"].isin({offer.id for offer in catalog.offers})].reset_index(drop=True)
        if len(made) < settings.min_proposals or made["y"].nunique() < 2:
            note = (
                f"{len(made)} answered proposals with features beside them, of which {int(made['y'].sum())} accepted; "
                f"respond.min_proposals asks for {settings.min_proposals}. The response to offers is not learnt."
            )
            return cls(None, None, {}, facts={"note": note, "n_proposals": len(made)})
        asked = log[log["offer_id"] != response_log.NONE] if contacts is None else contacts
        wide = months.Months.of(snapshots, asked, catalog)
        if organic_model is None:
            organic_model = organic.fit(
                snapshots, wide, catalog, predictors, horizon_days=settings.horizon_days,
                max_rows=settings.max_organic_rows, seed=seed,
            )  # fmt: skip
        paid = realised.learn(snapshots, wide, catalog)
        model = cls(organic_model, None, paid)
        table, what = model.rows(made, snapshots, catalog)
        raw = [*RELATIVE, *organic_model.columns.names]
        y, groups = made["y"].to_numpy(), made["account_id"].to_numpy()
        learnt, rehearsed = acceptance.fit(table, raw, len(RELATIVE), what, y, groups, seed=seed)
        learnt, facts = calibrated.levelled(learnt, rehearsed, made, what)
        facts |= {"n_proposals": len(made), "n_accepted": int(y.sum()), "rounds": rehearsed.rounds,
                  "losses": rehearsed.losses, "realised": {k: list(v) for k, v in paid.items()}}  # fmt: skip
        p = acceptance.probability(calibrated.of_strangers(learnt, rehearsed, what))
        seats = realised.seats(organic_model, snapshots, wide, catalog, seed=seed)
        after, seen = aftermath.learn(made, p, snapshots, wide, organic_model, catalog)
        return cls(organic_model, learnt, paid, seats, after, {**facts, "after": seen})

    @property
    def is_learnt(self) -> bool:
        """Whether it can tell anything."""
        return self.acceptance is not None

    def menu(self, accounts: pd.DataFrame, catalog: Catalog) -> pd.DataFrame:
        """One row per account × possible offer × channel × discount step; columns as in MENU.

        harm: what asking does to the rest, money a year. se: standard error of `expected`, of the acceptance alone.
        """
        if self.acceptance is None or self.organic is None:
            return pd.DataFrame({name: [] for name in MENU})
        accounts = accounts.reset_index(drop=True)
        by_itself = worth.alone(self.organic, accounts, catalog)
        own = self.organic.columns.matrix(accounts)
        frames = []
        for offer in catalog.offers:
            rows = np.flatnonzero(offers.is_possible(offer, accounts, catalog).to_numpy(dtype=bool))
            if len(rows):
                some = by_itself.take(rows)
                frames += self._of_offer(self.acceptance, offer, accounts.iloc[rows], own[rows], some, catalog)
        return pd.concat(frames, ignore_index=True)[list(MENU)]

    def _of_offer(
        self,
        said: Acceptance,
        offer: Offer,
        accounts: pd.DataFrame,
        own: np.ndarray,
        by_itself: Alone,
        catalog: Catalog,
    ) -> list[pd.DataFrame]:
        table = _table(offer, accounts, own, by_itself, catalog)
        gains = worth.worth(offer, accounts, catalog, by_itself, self.realised, self.seats)
        after = self.after.get("sells" if offer.kind in SELLS else offer.kind, After())
        own_parts = {part.name for part in offers.parts(offer, catalog)} if offer.kind in SELLS else set()
        yes = worth.side_effects(after.accepted, accounts, catalog, by_itself, self.seats, without=own_parts)
        no = worth.side_effects(after.refused, accounts, catalog, by_itself, self.seats)
        found = []
        ways = [(channel, step) for channel in offer.channels for step in offer.discounts.steps_pct]
        margins, error = said.margins(table, [_what(offer, *way, len(accounts)) for way in ways])
        for (channel, step), margin in zip(ways, margins, strict=True):
            p = acceptance.probability(margin)
            if offer.kind in SELLS:
                left = worth.discounted(accounts, step)
                p_organic, value, head_start = gains.p_organic, gains.lasting * left, gains.head_start * left
                uplift = p - p_organic
                share = np.divide(head_start, value, out=np.ones(len(p)), where=np.abs(value) > 1e-9)
                ahead = np.divide(p, uplift, out=np.ones(len(p)), where=uplift > LEAST_UPLIFT)
                context, harm = share * ahead, -(p * yes.money + (1 - p) * no.money)
            else:
                # help sells nothing at once: it works on who accepts it, by what they do later
                p_organic, head_start, harm = np.zeros(len(p)), yes.money, np.zeros(len(p))
                uplift, context = p * yes.rise, np.ones(len(p))
                value = np.divide(yes.money, yes.rise, out=np.zeros(len(p)), where=np.abs(yes.rise) > 1e-9)
            slope = p * (1 - p) * error
            found.append(
                pd.DataFrame(
                    {
                        "account_id": accounts["account_id"].to_numpy(), "as_of": accounts["as_of"].to_numpy(),
                        "offer_id": offer.id, "channel": channel, "discount_pct": float(step), "p_accept": p,
                        "p_organic": p_organic, "uplift": uplift, "value": value, "context": context,
                        "expected": uplift * context * value, "harm": harm, "se": slope * np.abs(head_start),
                    }
                )
            )  # fmt: skip
        return found

    def contributions(
        self, accounts: pd.DataFrame, offer_id: str, catalog: Catalog, *, channel: str | np.ndarray | None = None,
        discount_pct: float | np.ndarray = 0.0,
    ) -> pd.DataFrame:  # fmt: skip
        """Why each of `accounts` is persuadable to this offer: see models/uplift_explained.py. channel (the offer's
        first where none is given) and discount_pct: of all of them, or one per account. No rows where nothing was
        learnt."""
        if self.acceptance is None or self.organic is None:
            return pd.DataFrame(columns=list(uplift_explained.COLUMNS))
        offer = next(o for o in catalog.offers if o.id == offer_id)
        accounts = accounts.reset_index(drop=True)
        by_itself = worth.alone(self.organic, accounts, catalog)
        table = _table(offer, accounts, self.organic.columns.matrix(accounts), by_itself, catalog)
        what = _what(offer, offer.channels[0] if channel is None else channel, discount_pct, len(accounts))
        return uplift_explained.uplift(self.acceptance, self.organic, offer, table, what, accounts, catalog)

    def rows(self, made: pd.DataFrame, snapshots: pd.DataFrame, catalog: Catalog) -> tuple[np.ndarray, pd.DataFrame]:
        """The log's rows as the acceptance model reads them."""
        if self.organic is None:
            raise ValueError("nothing was learnt: see facts['note']")
        accounts = snapshots.iloc[made["row"].to_numpy()].reset_index(drop=True)
        by_itself = worth.alone(self.organic, accounts, catalog)
        own = self.organic.columns.matrix(accounts)
        by_id = {offer.id: offer for offer in catalog.offers}
        table = np.zeros((len(made), len(RELATIVE) + own.shape[1]))
        for offer_id, places in made.groupby("offer_id").indices.items():
            places = np.asarray(places)
            offer = by_id[str(offer_id)]
            table[places] = _table(offer, accounts.iloc[places], own[places], by_itself.take(places), catalog)
        what = made[["offer_id", "channel", "discount_pct"]].assign(
            kind=made["offer_id"].map({offer.id: offer.kind for offer in catalog.offers})
        )
        return table, what

    def to_files(self) -> dict[str, str]:
        """Text by file name: response.json beside LightGBM's, each hashed there."""
        files: dict[str, str] = {}
        about: dict[str, Any] = {
            "facts": self.facts, "realised": self.realised, "seats": asdict(self.seats),
            "after": {k: asdict(v) for k, v in self.after.items()},
        }  # fmt: skip
        if self.organic is not None:
            files |= {"organic_horizon.txt": self.organic.horizon, "organic_year.txt": self.organic.year}
            about["organic"] = self.organic.to_json()
        if self.acceptance is not None:
            a = self.acceptance
            files |= {f"acceptance_{family}.txt": text for family, text in a.trees.items()}
            about["acceptance"] = {
                "design": a.design.to_json(), "ridge": a.ridge.to_json(),
                "stack": a.stack.to_json(), "slope": a.slope, "intercept": a.intercept,
                "offsets": a.offsets,
            }  # fmt: skip
        about["sha256"] = {name: _sha256(text) for name, text in files.items()}
        about["version"] = _sha256(json.dumps(about, sort_keys=True))
        return {**files, FILE: json.dumps(about, ensure_ascii=False) + "\n"}

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Response:
        """From what `to_files` gave. Raises BadInput where a file is missing or differs from what was saved."""
        if FILE not in files:
            raise BadInput(f"{FILE} is missing; restore it, or run `dvc repro respond`.")
        try:
            about = json.loads(files[FILE])
            version = about.pop("version")
            hashes = dict(about["sha256"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{FILE} is not one that this project wrote ({error!r}); learn again.") from None
        for name, sha256 in hashes.items():
            if name not in files or _sha256(files[name]) != sha256:
                raise BadInput(f"{name} is not the file that was saved with {FILE}; restore it, or learn again.")
        if _sha256(json.dumps(about, sort_keys=True)) != version:
            raise BadInput(f"{FILE} was changed after it was saved as version {version}; restore it, or learn again.")
        alone = said = None
        if "organic" in about:
            o = about["organic"]
            alone = Organic(
                AccountColumns(**o["columns"]), o["part_names"], o["kinds"], files["organic_horizon.txt"],
                files["organic_year.txt"], o["n_horizon"],
            )  # fmt: skip
        if "acceptance" in about:
            a = about["acceptance"]
            said = Acceptance(
                OfferDesign.from_json(a["design"]), Ridge.from_json(a["ridge"]),
                {family: files[f"acceptance_{family}.txt"] for family in acceptance.FAMILIES},
                Ridge.from_json(a["stack"]), a["slope"], a["intercept"], a["offsets"],
            )  # fmt: skip
        return cls(
            alone,
            said,
            {k: (v[0], v[1]) for k, v in about["realised"].items()},
            Seats(**about["seats"]),
            {k: After.from_json(v) for k, v in about["after"].items()},
            about["facts"],
        )


def _what(offer: Offer, channel: str | np.ndarray, step: float | np.ndarray, n: int) -> pd.DataFrame:
    columns = {"kind": offer.kind, "offer_id": offer.id, "channel": channel, "discount_pct": step}
    return pd.DataFrame(columns, index=range(n)).astype({"discount_pct": "float64"})


def _table(offer: Offer, accounts: pd.DataFrame, own: np.ndarray, by_itself: Alone, catalog: Catalog) -> np.ndarray:
    """(n, RELATIVE + account's own): the offer as the account meets it.

    What accounts do by themselves tells of their mood, their means and what presses, and there is far more of it than
    of proposals: `alone`, the log of the rate at which the account does this by itself; `wants_most`, anything that
    adds to its bill; `leaves`. `together_lift`: how much more readily than by peers this is added after what the
    account took lately (models/together_lift.py; 0 where its columns are not there).
    """
    of_offer = offers.parts(offer, catalog)
    rates = [by_itself.log_rate[part.name] for part in of_offer]
    wants = np.mean(rates, axis=0) if rates else np.full(len(accounts), np.nan)
    more = [rate for name, rate in by_itself.log_rate.items() if name.split(":")[0] in ("tier", "seats", "add_on")]
    most = np.max(more, axis=0) if more else np.full(len(accounts), np.nan)
    leaves = by_itself.log_rate[LEAVE.name]
    follows = accounts.get(PREFIX + offer.id, pd.Series(0.0, index=accounts.index))
    return np.column_stack([relative(of_offer, accounts, catalog), wants, most, leaves, follows, own]).astype("float64")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
