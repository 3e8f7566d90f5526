"""What a run leaves behind: the exact shape of every table that people and other systems build on.

A spreadsheet, a CRM import or a dashboard reads these files every Monday, so their columns, order and types are fixed
here, and a frame that does not fit is refused rather than written.
"""

from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import pyarrow as pa

STRING, NUMBER, WHOLE, DAY, FLAG = pa.string(), pa.float64(), pa.int64(), pa.date32(), pa.bool_()
STRINGS = pa.list_(pa.string())
BASE = "(base)"  # the reasons' row for what every account starts from
SUM_TOLERANCE = 1e-6  # points are sums of some eighty floats; a wrong scale or a lost feature is far beyond this

BANDS = ("green", "yellow", "red")
STAGES = ("onboarding", "adopting", "established", "renewal", "at_risk")
SEGMENTS = ("small", "mid", "large")
CHANNELS = ("csm", "email", "in_app")
MOVEMENTS = ("new", "up", "down", "same")
ASSIGNMENTS = ("contact", "holdout", "beyond_capacity", "nurture", "none")


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means (unit included), whether it may be null, the values it may take."""

    name: str
    type: pa.DataType
    meaning: str
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    within: tuple[float, float] | None = None


@dataclass(frozen=True)
class Output:
    """One table: its grain in words, the columns that identify a row, the order of rows, the columns in their order.

    >>> TRIGGERS.schema.names
    ['account_id', 'as_of', 'trigger', 'fired_on', 'evidence_en', 'evidence_ja', 'expires_on']
    >>> str(RANKED_ACCOUNTS.schema.field("triggers").type)
    'list<item: string>'
    """

    name: str
    grain: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    columns: tuple[Column, ...] = field(repr=False)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema; each field carries its meaning as metadata."""
        return pa.schema(
            [pa.field(c.name, c.type, c.nullable, {"meaning": c.meaning}) for c in self.columns],
            metadata={"grain": self.grain},
        )

    def table(self, frame: pd.DataFrame) -> pa.Table:
        """`frame` as an Arrow table in this schema, rows in the stated order; the frame itself is left as it is.

        Extra columns are refused as missing ones are. NaN, NaT and None are null; a date may not carry a time of day.
        Raises ValueError that names the table, the column and the first offending rows: it is our own mistake, not the
        reader's.

        >>> import pandas as pd
        >>> fired = pd.DataFrame({"account_id": ["b", "a"], "as_of": pd.Timestamp("2026-06-01"), "trigger": "renewal",
        ...     "fired_on": pd.Timestamp("2026-05-30"), "evidence_en": "Renews soon", "evidence_ja": "更新間近",
        ...     "expires_on": pd.NaT})
        >>> TRIGGERS.table(fired)["account_id"].to_pylist()
        ['a', 'b']
        >>> TRIGGERS.table(pd.concat([fired, fired]))
        Traceback (most recent call last):
        ValueError: triggers: one row per account × trigger × day it fired, but account_id=b, trigger=renewal, ...
        """
        names = [column.name for column in self.columns]
        if missing := [name for name in names if name not in frame.columns]:
            raise ValueError(f"{self.name}: column {missing[0]} is missing; the contract names {', '.join(names)}.")
        if extra := [str(name) for name in frame.columns if name not in names]:
            raise ValueError(f"{self.name}: column {extra[0]} is not of the contract; leave it out.")
        twice = frame.duplicated(list(self.key))
        if twice.any():
            row = frame.loc[twice.to_numpy()].iloc[0]
            named = ", ".join(f"{part}={_plain(row[part])}" for part in self.key)
            raise ValueError(f"{self.name}: one row per {self.grain}, but {named} stands twice; keep one.")
        ordered = frame.sort_values(list(self.order), kind="stable", na_position="last")
        arrays = [_array(self.name, column, ordered[column.name], ordered[self.key[0]]) for column in self.columns]
        return pa.Table.from_arrays(arrays, schema=self.schema)


def check_ranked(frame: pd.DataFrame) -> pa.Table:
    """`ranked_accounts` as Arrow, once its ranks are 1 … n and those to contact come before everyone else.

    Raises ValueError otherwise.
    """
    ranks = frame["rank"].sort_values().tolist()
    if ranks != list(range(1, len(frame) + 1)):
        raise ValueError(f"ranked_accounts: rank must run from 1 to {len(frame)} without a gap or a tie.")
    is_contact = frame.sort_values("rank")["assignment"].eq("contact")
    if not is_contact.is_monotonic_decreasing:
        late = frame.sort_values("rank")["account_id"][is_contact & (~is_contact).cummax()].iloc[0]
        raise ValueError(f"ranked_accounts: {late} is to be contacted but ranks below one who is not; rank it above.")
    return RANKED_ACCOUNTS.table(frame)


def check_reasons(frame: pd.DataFrame, ranked: pd.DataFrame) -> pa.Table:
    """`reasons` as Arrow, once each ranked account has its `(base)` row and points that sum to its propensity.

    Raises ValueError otherwise.
    """
    has_base = frame["feature"].eq(BASE).groupby(frame["account_id"]).any()
    propensity = dict(zip(ranked["account_id"], ranked["propensity"], strict=True))
    if lacking := sorted(set(propensity) - set(has_base.index[has_base])):
        raise ValueError(f"reasons: {lacking[0]} has no row {BASE}, so its contributions cannot add up; add it.")
    total = frame.groupby("account_id")["points"].sum().to_dict()
    off = [account for account, p in propensity.items() if abs(total[account] - p) > SUM_TOLERANCE]
    if off:
        raise ValueError(
            f"reasons: the points of {len(off)} accounts do not sum to their propensity, first {off[0]} "
            f"({total[off[0]]:.6f} against {propensity[off[0]]:.6f}); 0.01 is one percentage point."
        )
    return REASONS.table(frame)


def _array(table: str, column: Column, values: pd.Series, ids: pd.Series) -> pa.Array:
    """The column's values as Arrow, checked. `ids` only serve the message."""

    def refuse(wrong: pd.Series, why: str) -> None:
        if wrong.any():
            rows = ", ".join(f"{i} ({_plain(v)})" for i, v in zip(ids[wrong][:3], values[wrong][:3], strict=True))
            raise ValueError(f"{table}: {column.name} {why} in {int(wrong.sum())} rows, first {rows}.")

    if column.type == STRINGS:
        return pa.array([[] if pd.api.types.is_scalar(item) else list(item) for item in values], STRINGS)
    is_null = values.isna()
    if not column.nullable:
        refuse(is_null, "is null")
    if column.allowed:
        refuse(~is_null & ~values.isin(column.allowed), f"is none of {', '.join(column.allowed)}")
    if column.type in (NUMBER, WHOLE):
        numbers = pd.to_numeric(values).astype("Float64")
        lowest, highest = column.within or (-1.7e308, 1.7e308)  # the bounds refuse infinities
        refuse(
            (~is_null & ~numbers.between(lowest, highest)).fillna(False).astype(bool), f"is out of {lowest} … {highest}"
        )
        if column.type == WHOLE:
            refuse((numbers % 1 != 0).fillna(False).astype(bool), "is not a whole number")
            return pa.array(numbers.astype("Int64"), WHOLE, from_pandas=True)
        return pa.array(numbers, NUMBER, from_pandas=True)
    if column.type == DAY:
        days = pd.to_datetime(values)
        refuse(days.notna() & (days != days.dt.normalize()), "has a time of day")
        return pa.array([None if pd.isna(day) else date(day.year, day.month, day.day) for day in days], DAY)
    if column.type == FLAG:
        return pa.array([None if null else bool(v) for v, null in zip(values, is_null, strict=True)], FLAG)
    refuse(~is_null & ~values.map(lambda v: isinstance(v, str)).astype(bool), "is not text")
    return pa.array([None if null else v for v, null in zip(values, is_null, strict=True)], STRING)


def _plain(value: object) -> str:
    return str(value.date()) if isinstance(value, pd.Timestamp) else str(value)


RANKED_ACCOUNTS = Output(
    name="ranked_accounts",
    grain="active account",
    key=("account_id",),
    order=("rank",),
    columns=(
        Column("rank", WHOLE, "1 … n; accounts to contact first, by priority"),
        Column("account_id", STRING, "the account"),
        Column("account_name", STRING, "its name, as the company writes it"),
        Column("owner_id", STRING, "its CSM; null where nobody looks after it", nullable=True),
        Column("segment", STRING, "its size, by params.yaml; null where unknown", nullable=True, allowed=SEGMENTS),
        Column("as_of", DAY, "everything was known before this day, 00:00 UTC"),
        Column("plan_id", STRING, "the running plan of the highest tier"),
        Column("mrr", NUMBER, "money a month, net of discount, add-ons included", within=(0, 1e15)),
        Column("renews_on", DAY, "the next renewal; null where the terms name none", nullable=True),
        Column("lifecycle_stage", STRING, "where the account stands in its life", allowed=STAGES),
        Column("health_score", NUMBER, "0-100; null in the first 30 days", nullable=True, within=(0, 100)),
        Column("health_band", STRING, "green, yellow or red; null where no score", nullable=True, allowed=BANDS),
        Column("propensity", NUMBER, "calibrated probability of expansion within the horizon", within=(0, 1)),
        Column("stars", WHOLE, "1-5, by how many times the base rate the propensity is", within=(1, 5)),
        Column("offer_id", STRING, "what to do next, help included; null where nothing", nullable=True),
        Column("channel", STRING, "how to reach the account", nullable=True, allowed=CHANNELS),
        Column("discount_pct", NUMBER, "discount to offer, per cent", nullable=True, within=(0, 100)),
        Column("approval", STRING, "who must approve the discount; null where nobody", nullable=True),
        Column("p_accept", NUMBER, "probability that the offer is accepted if made", nullable=True, within=(0, 1)),
        Column("p_organic", NUMBER, "probability of the same without contact", nullable=True, within=(0, 1)),
        Column("uplift", NUMBER, "p_accept less p_organic", nullable=True, within=(-1, 1)),
        Column(
            "expected_arr",
            NUMBER,
            "money a year that contact adds, less discount, cost, harm; where no response is learnt, what may come",
            nullable=True,
        ),
        Column("priority", NUMBER, "what the list is ordered by", nullable=True),
        Column("contact_by_on", DAY, "the last day on which contact is timely", nullable=True),
        Column("triggers", STRINGS, "ids of the triggers that fired"),
        *(Column(f"reason_{n}", STRING, f"reason {n} in the report's language", nullable=True) for n in range(1, 6)),
        Column("blocked_by", STRING, "the gate that keeps anything from being sold", nullable=True),
        Column("would_unblock", STRING, "the nearest change that would open it", nullable=True),
        Column(
            "movement", STRING, "against last week's list; on the first, all are new", nullable=True, allowed=MOVEMENTS
        ),
        Column("movement_ranks", WHOLE, "ranks gained (lost: negative) since last week", nullable=True),
        Column("assignment", STRING, "what the draw and the capacity made of it", allowed=ASSIGNMENTS),
        Column("pscore", NUMBER, "probability of this assignment and offer; 1 where nothing was random", within=(0, 1)),
        Column("model_version", STRING, "hash of booster and calibrators"),
    ),
)

REASONS = Output(
    name="reasons",
    grain="account × feature, and the row (base)",
    key=("account_id", "feature"),
    order=("account_id", "rank", "feature"),
    columns=(
        Column("account_id", STRING, "the account"),
        Column("as_of", DAY, "everything was known before this day, 00:00 UTC"),
        Column("feature", STRING, "the feature, or (base) for what every account starts from"),
        Column("group", STRING, "the idea the feature belongs to; null for (base)", nullable=True),
        Column("value", NUMBER, "the feature's value, in its unit; null where unknown or no number", nullable=True),
        Column("value_text", STRING, "the value of a feature that is no number", nullable=True),
        Column("contribution", NUMBER, "log-odds; an account's sum to its margin"),
        Column(
            "points", NUMBER, "share of probability (0.01 is one percentage point); an account's sum to its propensity"
        ),
        Column("rank", WHOLE, "place by size of contribution within the account; 0 for (base)", within=(0, 1e9)),
        Column("text_en", STRING, "the reason in English", nullable=True),
        Column("text_ja", STRING, "the reason in Japanese", nullable=True),
    ),
)

CANDIDATES = Output(
    name="candidates",
    grain="account × offer",
    key=("account_id", "offer_id"),
    order=("account_id", "rank", "offer_id"),
    columns=(
        Column("account_id", STRING, "the account"),
        Column("as_of", DAY, "everything was known before this day, 00:00 UTC"),
        Column("offer_id", STRING, "the offer, of the catalogue"),
        Column("channel", STRING, "the channel considered", nullable=True, allowed=CHANNELS),
        Column("discount_pct", NUMBER, "the discount considered, per cent", nullable=True, within=(0, 100)),
        Column("is_allowed", FLAG, "whether every gate and condition lets it pass"),
        Column("blocked_by", STRING, "the first gate or condition that does not; null where allowed", nullable=True),
        Column("p_accept", NUMBER, "probability that it is accepted if made", nullable=True, within=(0, 1)),
        Column("p_organic", NUMBER, "probability of the same without contact", nullable=True, within=(0, 1)),
        Column("uplift", NUMBER, "p_accept less p_organic", nullable=True, within=(-1, 1)),
        Column("value", NUMBER, "money a year, twelve months on, if accepted, net of the discount", nullable=True),
        Column("context", NUMBER, "what is left of the head start after a year (1: all of it)", nullable=True),
        Column("lever", NUMBER, "weight the business puts on it (1: neutral)", nullable=True),
        Column("priority", NUMBER, "what the account's offers are ordered by", nullable=True),
        Column("rank", WHOLE, "1 … among the account's allowed offers; null where blocked", nullable=True),
    ),
)

TRIGGERS = Output(
    name="triggers",
    grain="account × trigger × day it fired",
    key=("account_id", "trigger", "fired_on"),
    order=("account_id", "trigger", "fired_on"),
    columns=(
        Column("account_id", STRING, "the account"),
        Column("as_of", DAY, "everything was known before this day, 00:00 UTC"),
        Column("trigger", STRING, "what happened"),
        Column("fired_on", DAY, "the day it happened"),
        Column("evidence_en", STRING, "what was seen, in English"),
        Column("evidence_ja", STRING, "what was seen, in Japanese"),
        Column("expires_on", DAY, "the day from which it no longer counts", nullable=True),
    ),
)

OUTPUTS = (RANKED_ACCOUNTS, REASONS, CANDIDATES, TRIGGERS)
