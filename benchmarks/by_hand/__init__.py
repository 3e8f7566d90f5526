"""The features that benchmarks/features.py measures, by hand in pandas, Polars and Spark, as one would without us.

Each gives one row per (account_id, as_of) with the columns and values of the build, which a test holds
(tests/benchmarks/test_by_hand.py). They read use on the day it happened, so nothing in the tables may be recorded late.
"""
