# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # One account
# Why the first of this week's list is on it: the probability as a sum of reasons, the use behind them, and the offers that were
# weighed. After `make run`, in Jupyter with jupytext, or as a script from the project's folder.

# %%
import matplotlib.pyplot as plt
import pandas as pd

from pipelines import paths

ranked = pd.read_parquet(paths.WEEKLY / "ranked_accounts.parquet")
account = ranked.sort_values("rank").iloc[0]
name, week = account["account_id"], pd.Timestamp(account["as_of"])
print(f"{name} in the week of {week:%d %B %Y}: {account['propensity']:.1%}, {account['assignment']}, {account['offer_id']}")

# %% [markdown]
# ## From the average to this account
# Each idea adds its percentage points or takes them; they add up exactly, since contributions are the model's own.

# %%
reasons = pd.read_parquet(paths.WEEKLY / "reasons.parquet")
mine = reasons[reasons["account_id"] == name]
base = 100 * float(mine.loc[mine["feature"] == "(base)", "points"].sum())
steps = (100 * mine[mine["feature"] != "(base)"].groupby("group")["points"].sum()).sort_values(key=abs, ascending=False)
steps = steps[steps.abs() > 0.05]
rest = 100 * float(account["propensity"]) - base - float(steps.sum())
steps = pd.concat([steps, pd.Series({"all else": rest})])
start = base + steps.cumsum().shift(fill_value=0.0)
fig, ax = plt.subplots(figsize=(7, 4))
ax.barh(steps.index[::-1], steps[::-1], left=start[::-1], color=["#3B3FB6" if v > 0 else "#A8231B" for v in steps[::-1]])
ax.axvline(base, color="#bbbbbb", linewidth=1)
ax.axvline(100 * float(account["propensity"]), color="#16181D", linewidth=1)
ax.set(xlabel=f"probability, % (average {base:.1f}, this account {100 * account['propensity']:.1f})")
fig.tight_layout()

# %% [markdown]
# ## In words
# The five that stand on the list, with the account's own figures beside those of its plan.

# %%
for n in range(1, 6):
    if isinstance(account[f"reason_{n}"], str):
        print(account[f"reason_{n}"])

# %% [markdown]
# ## What it did
# Its use by week, from the raw rows that were known before the list's day.

# %%
usage = pd.read_parquet(paths.STAGED / "usage.parquet", filters=[("account_id", "==", name)])
usage["used_on"] = pd.to_datetime(usage["used_on"])
used = usage[(usage["kind"] == "used") & (usage["used_on"] < week) & (usage["used_on"] >= week - pd.Timedelta(weeks=26))]
by_week = used.groupby(pd.Grouper(key="used_on", freq="W"))["n_events"].sum()
fig, ax = plt.subplots(figsize=(7, 3))
ax.bar(by_week.index, by_week.to_numpy(), width=5)
ax.set(ylabel="events a week")
fig.autofmt_xdate()
fig.tight_layout()

# %% [markdown]
# ## What was weighed
# Every offer: allowed or by which gate it was kept back, how likely it is accepted, what asking adds, what it is worth.

# %%
candidates = pd.read_parquet(paths.WEEKLY / "candidates.parquet")
offers = candidates[candidates["account_id"] == name].sort_values(["is_allowed", "rank"], ascending=[False, True])
shown = ["offer_id", "channel", "discount_pct", "blocked_by", "p_accept", "p_organic", "uplift", "value", "priority"]
print(offers[shown].round(3).to_string(index=False))
