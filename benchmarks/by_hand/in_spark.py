"""The features in PySpark: use is added up by day, and each day joined with the snapshots that it serves."""

import os
import sys
from datetime import timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - everyone calls it so

from benchmarks.by_hand.question import DEEP_DAYS, FAR_DAYS, Question

KEY = ["account_id", "as_of"]


def session(threads: int, memory_mb: int) -> SparkSession:
    """Spark on this machine, with as many partitions as it has use for."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": f"{memory_mb}m",
        "spark.sql.shuffle.partitions": str(2 * threads),
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("by hand")
    for name, value in settings.items():
        builder = builder.config(name, value)
    started = builder.getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    return started


def features(usage: DataFrame, meters: DataFrame, asked: Question) -> DataFrame:
    """One row per (account_id, as_of) of the metered accounts."""
    days = usage.sparkSession.createDataFrame([(as_of,) for as_of in asked.as_ofs], "as_of date")
    rows = meters.select("account_id").distinct().crossJoin(F.broadcast(days))
    for beside in (_use(usage, asked), _adoption(usage, asked), _gated(usage, asked), _level(meters, asked)):
        rows = rows.join(beside, KEY, "left")
    return rows.fillna(asked.empty())


def _served(rows: DataFrame, day: str, asked: Question, days: int) -> DataFrame:
    """Each row beside each as_of that it precedes by at most `days`, with `age`, 1 for yesterday."""
    pairs = [(as_of, as_of - timedelta(days=age), age) for as_of in asked.as_ofs for age in range(1, days + 1)]
    served = rows.sparkSession.createDataFrame(pairs, f"as_of date, {day} date, age int")
    return rows.join(F.broadcast(served), day)


def _where(condition: Column, value: Column) -> Column:
    """The value where the condition holds, null elsewhere: aggregates pass it over."""
    return F.when(condition, value)


def _n(condition: Column) -> Column:
    return F.sum(condition.cast("int"))


def _use(usage: DataFrame, asked: Question) -> DataFrame:
    daily = (
        usage.where(F.col("kind") != "gated")
        .groupBy("account_id", "used_on")
        .agg(
            F.sum("n_events").alias("n_events"),
            F.sum("n_users").alias("n_users"),
            F.max("n_users").alias("most"),
        )
    )
    age, events = F.col("age"), F.col("n_events")
    week = F.floor((age - 1) / 7)
    month, before, eight_weeks = age <= 28, age.between(29, 56), age <= 56

    def change(of: str) -> Column:
        now, then = F.sum(_where(month, F.col(of))), F.sum(_where(before, F.col(of)))
        return F.try_divide(F.coalesce(now, F.lit(0)), then) - 1

    trend = F.sum(_where(eight_weeks, events * (7 - 2 * week))) / 84
    return (
        _served(daily, "used_on", asked, 90)
        .groupBy(KEY)
        .agg(
            *[F.sum(_where(age <= days, events)).alias(f"events_{days}d") for days in (7, 28, 90)],
            *[_n(age <= days).alias(f"active_days_{days}d") for days in (7, 28)],
            F.try_divide(trend, F.sum(_where(eight_weeks, events)) / 8).alias("use_trend_8w"),
            change("n_events").alias("use_change_28d"),
            change("n_users").alias("users_change_28d"),
            F.min(age).alias("days_since_use"),
            F.max(_where(month, F.col("most"))).alias("peak_users_28d"),
        )
    )


def _adoption(usage: DataFrame, asked: Question) -> DataFrame:
    """By feature first. (account, day, feature, kind) is the key of usage: its rows are days."""
    rows = usage.where(F.col("kind") != "gated").select("account_id", "used_on", "feature", "kind")
    by_feature = (
        _served(rows, "used_on", asked, 28)
        .groupBy(*KEY, "feature")
        .agg(_n(F.col("kind") == "used").alias("used"), _n(F.col("kind") == "trial").alias("tried"))
    )
    is_used, feature = F.col("used") > 0, F.col("feature")
    return by_feature.groupBy(KEY).agg(
        _n(is_used).alias("features_used_28d"),
        _n(is_used & feature.isin(*asked.in_plan)).alias("plan_features_used_28d"),
        _n(is_used & feature.isin(*asked.core)).alias("core_features_used_28d"),
        _n(F.col("used") >= DEEP_DAYS).alias("deep_features_28d"),
        F.max("tried").alias("trial_days_28d"),
    )


def _gated(usage: DataFrame, asked: Question) -> DataFrame:
    lately, events, feature = F.col("age") <= 28, F.col("n_events"), F.col("feature")
    opened = {"next_plan": asked.next_plan, **asked.add_ons}
    return (
        _served(usage.where(F.col("kind") == "gated"), "used_on", asked, 90)
        .groupBy(KEY)
        .agg(
            *[
                F.sum(_where(lately & feature.isin(*among), events)).alias(f"gated_{name}_28d")
                for name, among in opened.items()
            ],
            F.sum(_where(lately, events)).alias("gated_events_28d"),
            F.countDistinct("feature").alias("gated_features_90d"),
        )
    )


def _level(meters: DataFrame, asked: Question) -> DataFrame:
    x, y, n = -F.col("age").cast("double"), F.col("value"), F.count("*")
    name, slope, latest, peak = asked.metric, F.col("slope"), F.col("latest"), F.col("peak")
    spread = n * F.sum(x * x) - F.sum(x) * F.sum(x)
    days = F.when(slope > 0, F.least((asked.limit - latest) / slope, F.lit(float(FAR_DAYS))))
    days = F.coalesce(days, F.lit(float(FAR_DAYS)))
    return (
        _served(meters.where(F.col("metric") == name), "measured_on", asked, 28)
        .groupBy(KEY)
        .agg(
            F.try_divide(n * F.sum(x * y) - F.sum(x) * F.sum(y), spread).alias("slope"),
            F.min_by(y, "age").alias("latest"),
            F.max(y).alias("peak"),
        )
        .select(
            *KEY,
            latest.alias(f"{name}_latest"),
            peak.alias(f"{name}_peak"),
            slope.alias(f"{name}_slope"),
            (latest / asked.limit).alias(f"limit_{name}_latest"),
            (peak / asked.limit).alias(f"limit_{name}_peak_28d"),
            F.when(slope.isNotNull(), F.when(latest < asked.limit, days).otherwise(0.0)).alias(f"days_to_limit_{name}"),
        )
    )
