# ruff: noqa: S608  the SQL is put together from the contract's own names and quoted literals
"""What a row must hold, compiled from the contract's columns to DuckDB expressions.

The contract says each rule once (data/contract.py); pandera checks it on tables in memory, these expressions on
tables of any size. A test holds the two to the same verdict.
"""

from dataclasses import dataclass

from data.catalog import Catalog
from data.contract import ACCOUNTS, Column, RawTable, Registry
from data.parsing import MEANING, literal, name, parsed

KEPT_ACCOUNTS = "kept accounts"  # the temporary table of accounts that passed; the other tables look theirs up in it
OF_NO_ACCOUNT = "account_id must be one of accounts"
CHANGEABLE = tuple(column for column in ACCOUNTS.columns if column != "account_id")


@dataclass(frozen=True)
class Rule:
    """A sentence, the column it is about, and the SQL that is true for rows that break it."""

    says: str
    column: str
    broken: str


def known_ids(registry: Registry, catalog: Catalog) -> list[str]:
    """The ids that a column may refer to, as the catalogue lists them.

    >>> from data.catalog import Catalog
    >>> plan = {"id": "pro", "name": "Pro", "tier": 1, "price_per_month": 9, "price_per_seat": 0, "features": []}
    >>> catalog = Catalog(currency="EUR", metrics=[], features=[], plans=[plan])
    >>> known_ids("products", catalog), known_ids("offers", catalog)
    (['pro'], ['none'])
    """
    if registry == "products":
        return sorted(catalog.products)
    if registry == "features":
        return sorted(feature.id for feature in catalog.features)
    if registry == "metrics":
        return sorted(metric.id for metric in catalog.metrics)
    return sorted(["none", *(offer.id for offer in catalog.offers)])


def column_rules(name_: str, column: Column, raw: str, value: str) -> list[Rule]:
    """What one value must hold: it can be read, is there, is among those allowed, lies within its bounds.

    `raw` is the SQL of the text as it came, `value` that of the text as read.

    >>> from data.contract import SURVEYS
    >>> [rule.says for rule in column_rules("nps", SURVEYS.columns["nps"], "r", "v")]
    ['nps must be a whole number', 'nps must not be empty', 'nps must be at least 0', 'nps must be at most 10']
    """
    rules = [Rule(f"{name_} must be {MEANING[column.type]}", name_, f"{raw} IS NOT NULL AND {value} IS NULL")]
    if column.type == "string":
        rules.clear()
    if not column.nullable:
        rules.append(Rule(f"{name_} must not be empty", name_, f"{value} IS NULL"))
    if column.among:
        allowed = ", ".join(literal(one) for one in column.among)
        rules.append(Rule(f"{name_} must be one of {', '.join(column.among)}", name_, f"{value} NOT IN ({allowed})"))
    if column.at_least is not None:
        rules.append(Rule(f"{name_} must be at least {column.at_least:g}", name_, f"{value} < {column.at_least}"))
    if column.at_most is not None:
        rules.append(Rule(f"{name_} must be at most {column.at_most:g}", name_, f"{value} > {column.at_most}"))
    return rules


def row_rules(table: RawTable, catalog: Catalog, own: dict[str, str]) -> list[Rule]:
    """Every rule that a row is judged by on its own, in the order in which the first broken one is told.

    A column's text as it came is named `raw.<column>`, its value `<column>`. `own`: a company's own rules, sentence to
    the name of the boolean column that holds its verdict.
    """
    rules = []
    for column_name, column in table.columns.items():
        rules += column_rules(column_name, column, name(f"raw.{column_name}"), name(column_name))
        if column.refers_to == "accounts":
            unknown = f"{name(column_name)} NOT IN (SELECT account_id FROM {name(KEPT_ACCOUNTS)})"
            rules.append(Rule(OF_NO_ACCOUNT, column_name, unknown))
        elif column.refers_to:
            ids = ", ".join(literal(one) for one in known_ids(column.refers_to, catalog)) or "NULL"
            unknown = f"coalesce({name(column_name)} NOT IN ({ids}), true)"
            says = f"{column_name} must be one of the {column.refers_to} of catalog.yaml"
            rules.append(Rule(says, column_name, unknown))
    recorded = f"{name('raw.recorded_at')} IS NOT NULL AND recorded_at IS NULL"
    rules.append(Rule(f"recorded_at must be {MEANING['timestamp']}", "recorded_at", recorded))
    for start, end in table.periods:
        rules.append(Rule(f"{end} must not be before {start}", end, f"{name(end)} < {name(start)}"))
    if table.name == "account_changes":
        rules += _change_rules()
    rules += [Rule(says, "", f"coalesce({name(verdict)}, false)") for says, verdict in own.items()]
    return rules


def _change_rules() -> list[Rule]:
    """A changed attribute must be one of accounts, and its value one that accounts would take."""
    fields = ", ".join(literal(one) for one in CHANGEABLE)
    rules = [Rule("field must be an attribute of accounts", "field", f"field NOT IN ({fields})")]
    for attribute in CHANGEABLE:
        value = parsed("value", "VARCHAR", ACCOUNTS.columns[attribute].type)
        for rule in column_rules(attribute, ACCOUNTS.columns[attribute], "value", f"({value})"):
            says = f"value must suit its field: {rule.says}"
            rules.append(Rule(says, "value", f"field = {literal(attribute)} AND ({rule.broken})"))
    return rules
