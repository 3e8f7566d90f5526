"""Rows of a raw table as they read on a day: what was filled in later is not there yet."""

import ibis
import ibis.expr.types as ir

from data.contract import RAW_TABLES
from data.known import known
from features.proposals import answered


def as_then(name: str, table: ir.Table, as_ofs: ir.Table) -> ir.Table:
    """The known rows of a table; what was filled in later reads as it did then."""
    rows = known(table, as_ofs)
    is_filled = {
        column: (rows[day].cast("date") < rows.as_of).fill_null(False)
        for column, day in RAW_TABLES[name].fills_in_later.items()
    }
    then = rows.mutate(**{column: filled.ifelse(rows[column], ibis.null()) for column, filled in is_filled.items()})
    if name != "proposals":
        return then
    # Silence has no day on which it was decided: the features say from when on it counts. What was withheld on purpose
    # was put to nobody, and keeps what is written of it.
    outcomes = answered(table, as_ofs).select("proposal_id", "outcome_known")
    then = then.left_join(outcomes, "proposal_id").drop("proposal_id_right")
    return then.mutate(outcome=ibis.coalesce(then.outcome_known, then.outcome)).drop("outcome_known")
