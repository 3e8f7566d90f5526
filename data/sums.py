"""Sums of money and of measurements that do not depend on the order of their terms."""

import ibis.expr.types as ir

PLACES = 12


def exact_sum(value: ir.Value, where: ir.Value | None = None) -> ir.Value:
    """The sum of floats, added as decimals: the same bits on any number of threads, and on any engine.

    Floats added in another order differ in their last bits, and a small difference of two of them can be anything.
    Terms keep twelve places behind the point (a float of 1,000 has no more) and twenty-six before it.

    >>> import ibis
    >>> con = ibis.duckdb.connect()
    >>> mrr = [1e15, 0.3, 0.3, -1e15]
    >>> sum(mrr), float(con.execute(exact_sum(ibis.memtable({"mrr": mrr}).mrr)))
    (0.5, 0.6)
    """
    return value.cast(f"decimal(38, {PLACES})").sum(where=where).cast("float64")
