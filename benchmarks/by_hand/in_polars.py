"""The features in Polars, lazily: use is added up by day, and each day joined with the snapshots that it serves."""

from datetime import timedelta

import polars as pl

from benchmarks.by_hand.question import DEEP_DAYS, FAR_DAYS, Question

KEY = ["account_id", "as_of"]


def features(usage: pl.LazyFrame, meters: pl.LazyFrame, asked: Question) -> pl.LazyFrame:
    """One row per (account_id, as_of) of the metered accounts."""
    days = pl.LazyFrame({"as_of": list(asked.as_ofs)}, schema={"as_of": pl.Date})
    rows = meters.select("account_id").unique().join(days, how="cross")
    for beside in (_use(usage, asked), _adoption(usage, asked), _gated(usage, asked), _level(meters, asked)):
        rows = rows.join(beside, on=KEY, how="left")
    return rows.with_columns(pl.col(name).fill_null(value) for name, value in asked.empty().items())


def _served(asked: Question, days: int) -> pl.LazyFrame:
    """One row per (as_of, day) of the last `days` before it, with `age`, 1 for yesterday."""
    pairs = [(as_of, as_of - timedelta(days=age), age) for as_of in asked.as_ofs for age in range(1, days + 1)]
    schema = {"as_of": pl.Date, "day": pl.Date, "age": pl.Int32}
    return pl.LazyFrame(pairs, schema=schema, orient="row")


def _use(usage: pl.LazyFrame, asked: Question) -> pl.LazyFrame:
    daily = (
        usage.filter(pl.col("kind") != "gated")
        .group_by("account_id", "used_on")
        .agg(pl.col("n_events", "n_users").sum(), most=pl.col("n_users").max())
    )
    age, week = pl.col("age"), (pl.col("age") - 1) // 7
    month, before, eight_weeks = age <= 28, age.is_between(29, 56), age <= 56

    def change(of: str) -> pl.Expr:
        now, then = pl.col(of).filter(month).sum(), pl.col(of).filter(before).sum()
        return pl.when(then > 0).then(now / then - 1)

    events = pl.col("n_events").filter(eight_weeks).sum()
    slope = (pl.col("n_events") * (3.5 - week)).filter(eight_weeks).sum() / 42
    return (
        daily.join(_served(asked, 90), left_on="used_on", right_on="day")
        .group_by(KEY)
        .agg(
            *[pl.col("n_events").filter(age <= days).sum().alias(f"events_{days}d") for days in (7, 28, 90)],
            *[(age <= days).sum().alias(f"active_days_{days}d") for days in (7, 28)],
            use_trend_8w=pl.when(events > 0).then(slope / (events / 8)),
            use_change_28d=change("n_events"),
            users_change_28d=change("n_users"),
            days_since_use=age.min(),
            peak_users_28d=pl.col("most").filter(month).max(),
        )
    )


def _adoption(usage: pl.LazyFrame, asked: Question) -> pl.LazyFrame:
    """By feature first. (account, day, feature, kind) is the key of usage: its rows are days."""
    by_feature = (
        usage.filter(pl.col("kind") != "gated")
        .select("account_id", "used_on", "feature", "kind")
        .join(_served(asked, 28), left_on="used_on", right_on="day")
        .group_by(*KEY, "feature")
        .agg(used=(pl.col("kind") == "used").sum(), tried=(pl.col("kind") == "trial").sum())
    )
    is_used, feature = pl.col("used") > 0, pl.col("feature")
    return by_feature.group_by(KEY).agg(
        features_used_28d=is_used.sum(),
        plan_features_used_28d=(is_used & feature.is_in(asked.in_plan)).sum(),
        core_features_used_28d=(is_used & feature.is_in(asked.core)).sum(),
        deep_features_28d=(pl.col("used") >= DEEP_DAYS).sum(),
        trial_days_28d=pl.col("tried").max(),
    )


def _gated(usage: pl.LazyFrame, asked: Question) -> pl.LazyFrame:
    lately, events, feature = pl.col("age") <= 28, pl.col("n_events"), pl.col("feature")
    opened = {"next_plan": asked.next_plan, **asked.add_ons}
    return (
        usage.filter(pl.col("kind") == "gated")
        .join(_served(asked, 90), left_on="used_on", right_on="day")
        .group_by(KEY)
        .agg(
            *[
                events.filter(lately & feature.is_in(among)).sum().alias(f"gated_{name}_28d")
                for name, among in opened.items()
            ],
            gated_events_28d=events.filter(lately).sum(),
            gated_features_90d=feature.n_unique(),
        )
    )


def _level(meters: pl.LazyFrame, asked: Question) -> pl.LazyFrame:
    x, y, n = -pl.col("age").cast(pl.Float64), pl.col("value"), pl.len()
    name, slope, latest, peak = asked.metric, pl.col("slope"), pl.col("latest"), pl.col("peak")
    days = pl.when(slope > 0).then((asked.limit - latest) / slope).otherwise(FAR_DAYS).clip(0, FAR_DAYS)
    return (
        meters.filter(pl.col("metric") == name)
        .join(_served(asked, 28), left_on="measured_on", right_on="day")
        .group_by(KEY)
        .agg(
            slope=(n * (x * y).sum() - x.sum() * y.sum()) / (n * (x * x).sum() - x.sum() ** 2),
            latest=y.sort_by("age").first(),
            peak=y.max(),
        )
        .with_columns(slope=pl.when(slope.is_not_nan()).then(slope))
        .select(
            *KEY,
            latest.alias(f"{name}_latest"),
            peak.alias(f"{name}_peak"),
            slope.alias(f"{name}_slope"),
            (latest / asked.limit).alias(f"limit_{name}_latest"),
            (peak / asked.limit).alias(f"limit_{name}_peak_28d"),
            pl.when(slope.is_not_null())
            .then(pl.when(latest < asked.limit).then(days).otherwise(0.0))
            .alias(f"days_to_limit_{name}"),
        )
    )
