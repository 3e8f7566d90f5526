"""The ten raw tables of a company: columns, types, allowed values, keys, and the day a row becomes known.

A table is said once, here; its pandera schema (for checking) and its Arrow schema (for Parquet) come from that.
Dates are midnights, timestamps are UTC without a zone, both `datetime64[us]` in pandas.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

Type = Literal["string", "date", "timestamp", "float", "int", "bool"]
Registry = Literal["accounts", "products", "features", "metrics", "offers"]

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "float": pa.float64(),
    "int": pa.int64(),
    "bool": pa.bool_(),
}
PANDAS: dict[Type, str] = {
    "string": "str",
    "date": "datetime64[us]",
    "timestamp": "datetime64[us]",
    "float": "float64",
    "int": "Int64",
    "bool": "boolean",
}


@dataclass(frozen=True)
class Column:
    """A column: its type, whether it may be null, and which values it may hold.

    `refers_to`: the table or the list of the catalogue in which a value must be found (data/rules.py looks it up).
    """

    type: Type
    nullable: bool = False
    among: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    refers_to: Registry | None = None


@dataclass(frozen=True)
class RawTable:
    """A raw table. `stamp`: the column whose day makes a row known, so that a feature as of a later day may read it.

    `periods`: pairs of columns of which the second may not lie before the first. `apart_by`: rows that share these may
    not overlap in their (first) period. `without`: what a company that lacks the table does without.
    """

    name: str
    grain: str
    columns: dict[str, Column]
    stamp: str
    key: tuple[str, ...] = ()
    is_required: bool = False
    fills_in_later: dict[str, str] = field(default_factory=dict)  # column -> the column whose day makes it known
    periods: tuple[tuple[str, str], ...] = ()
    apart_by: tuple[str, ...] = ()
    without: str = ""

    def arrow_schema(self) -> pa.Schema:
        """The table in Parquet: `known_on`, the day on which the row was known, stands last."""
        fields = [pa.field(name, ARROW[column.type]) for name, column in self.columns.items()]
        return pa.schema([*fields, pa.field("known_on", pa.date32())])

    def pandera_schema(self) -> Any:
        """The same as a pandera schema, for the tables as pandas holds them. Lazy: pandera takes a second to import."""
        import pandera.pandas as pandera

        def checks(column: Column) -> list[Any]:
            found = []
            if column.among:
                found.append(pandera.Check.isin(list(column.among), error=f"one of {', '.join(column.among)}"))
            if column.at_least is not None:
                found.append(pandera.Check.ge(column.at_least, error=f"at least {column.at_least:g}"))
            if column.at_most is not None:
                found.append(pandera.Check.le(column.at_most, error=f"at most {column.at_most:g}"))
            return found

        return pandera.DataFrameSchema(
            {
                name: pandera.Column(PANDAS[column.type], checks(column), nullable=column.nullable)
                for name, column in self.columns.items()
            },
            name=self.name,
            description=self.grain,
        )


def text(*among: str, nullable: bool = False, of: Registry | None = None) -> Column:
    """A string: of any content, among the given ones, or the id of something."""
    return Column("string", nullable=nullable, among=among, refers_to=of)


def count() -> Column:
    """A number of things: whole, never negative."""
    return Column("int", at_least=0)


ACCOUNTS = RawTable(
    name="accounts",
    grain="One row per account_id, as the account is today.",
    key=("account_id",),
    stamp="signed_up_on",
    is_required=True,
    columns={
        "account_id": text(),
        "account_name": text(),
        "industry": text(nullable=True),
        "employee_count": Column("int", nullable=True, at_least=0),
        "region": text(nullable=True),
        "signed_up_on": Column("date"),
        "owner_id": text(nullable=True),
        "csm_sentiment": text("green", "yellow", "red", nullable=True),
        "has_opted_in": Column("bool", nullable=True),
        "do_not_contact_until": Column("date", nullable=True),
    },
)
SUBSCRIPTIONS = RawTable(
    name="subscriptions",
    grain="One row per account × product × period of unchanged terms.",
    key=("subscription_id",),
    stamp="valid_from_on",
    is_required=True,
    fills_in_later={"valid_to_on": "valid_to_on", "ended_reason": "valid_to_on"},
    periods=(("valid_from_on", "valid_to_on"),),
    apart_by=("account_id", "product_id"),
    columns={
        "subscription_id": text(),
        "account_id": text(of="accounts"),
        "product_id": text(of="products"),
        "quantity": Column("float", at_least=0),
        "mrr": Column("float", at_least=0),
        "discount_pct": Column("float", at_least=0, at_most=100),
        "billing": text("monthly", "annual"),
        "valid_from_on": Column("date"),
        "valid_to_on": Column("date", nullable=True),
        "renews_on": Column("date", nullable=True),
        "ended_reason": text(
            "upgrade", "downgrade", "price", "product", "support", "business_closed", "other", nullable=True
        ),
    },
)
USAGE = RawTable(
    name="usage",
    grain="One row per account × day × feature × kind. A day without a row is a day without use.",
    key=("account_id", "used_on", "feature", "kind"),
    stamp="used_on",
    is_required=True,
    columns={
        "account_id": text(of="accounts"),
        "used_on": Column("date"),
        "feature": text(of="features"),
        "kind": text("used", "gated", "trial"),
        "n_events": count(),
        "n_users": count(),
    },
)
METERS = RawTable(
    name="meters",
    grain="One row per account × day × metric.",
    key=("account_id", "measured_on", "metric"),
    stamp="measured_on",
    without="metrics against limits: only seats can press, and days until a limit are unknown",
    columns={
        "account_id": text(of="accounts"),
        "measured_on": Column("date"),
        "metric": text(of="metrics"),
        "value": Column("float", at_least=0),
    },
)
TICKETS = RawTable(
    name="tickets",
    grain="One row per ticket_id.",
    key=("ticket_id",),
    stamp="opened_at",
    fills_in_later={"closed_at": "closed_at", "csat": "closed_at"},
    periods=(("opened_at", "closed_at"),),
    without="open tickets, time to close and CSAT: the gate `serious_ticket` stays open, health lacks support",
    columns={
        "ticket_id": text(),
        "account_id": text(of="accounts"),
        "opened_at": Column("timestamp"),
        "closed_at": Column("timestamp", nullable=True),
        "severity": text("low", "normal", "high", "urgent"),
        "category": text("bug", "how_to", "feature_request", "billing"),
        "csat": Column("int", nullable=True, at_least=1, at_most=5),
    },
)
SURVEYS = RawTable(
    name="surveys",
    grain="One row per answer.",
    stamp="answered_at",
    without="NPS: health does without it, and so does the gate `unhappy`",
    columns={
        "account_id": text(of="accounts"),
        "answered_at": Column("timestamp"),
        "nps": Column("int", at_least=0, at_most=10),
    },
)
TOUCHPOINTS = RawTable(
    name="touchpoints",
    grain="One row per meeting or call.",
    stamp="held_at",
    without="meetings and calls: whether anyone of rank ever came is unknown",
    columns={
        "account_id": text(of="accounts"),
        "held_at": Column("timestamp"),
        "kind": text("onboarding", "training", "check_in", "business_review", "demo"),
        "n_attendees": count(),
        "has_executive": Column("bool"),
    },
)
LIFE_EVENTS = RawTable(
    name="life_events",
    grain="One row per event in the customer's company.",
    stamp="happened_on",
    without="events in the customer's company",
    columns={
        "account_id": text(of="accounts"),
        "happened_on": Column("date"),
        "kind": text("funding", "merger", "new_office", "new_business", "reorganisation", "hiring"),
    },
)
PROPOSALS = RawTable(
    name="proposals",
    grain="One row per offer put to an account, or withheld on purpose (offer_id `none`).",
    key=("proposal_id",),
    stamp="proposed_at",
    fills_in_later={"outcome": "decided_at", "decided_at": "decided_at", "reason": "decided_at"},
    periods=(("proposed_at", "decided_at"),),
    without="past offers: nothing is learnt from answers; `recent_refusal` and `contact_limit` stay open, and "
    "offers that exclude one another are not kept apart in time",
    columns={
        "proposal_id": text(),
        "account_id": text(of="accounts"),
        "offer_id": text(of="offers"),
        "proposed_at": Column("timestamp"),
        "channel": text("csm", "email", "in_app", nullable=True),
        "discount_pct": Column("float", at_least=0, at_most=100),
        "pscore": Column("float", nullable=True, at_least=0, at_most=1),
        "outcome": text("accepted", "declined", "no_response", "open"),
        "decided_at": Column("timestamp", nullable=True),
        "reason": text("price", "timing", "no_need", "competitor", "no_budget", "other", nullable=True),
    },
)
ACCOUNT_CHANGES = RawTable(
    name="account_changes",
    grain="One row per change of an attribute of accounts.",
    stamp="changed_at",
    without="how accounts' attributes moved: those that move serve gates and display only, and are no features",
    columns={
        "account_id": text(of="accounts"),
        "changed_at": Column("timestamp"),
        "field": text(),
        "value": text(nullable=True),
    },
)

RAW_TABLES: dict[str, RawTable] = {
    table.name: table
    for table in (
        ACCOUNTS,
        SUBSCRIPTIONS,
        USAGE,
        METERS,
        TICKETS,
        SURVEYS,
        TOUCHPOINTS,
        LIFE_EVENTS,
        PROPOSALS,
        ACCOUNT_CHANGES,
    )
}

MOVING_ATTRIBUTES = ("csm_sentiment", "employee_count", "owner_id", "has_opted_in", "do_not_contact_until")
NO_RESPONSE_AFTER_DAYS = 30  # `no_response` is known this many days after `proposed_at`
