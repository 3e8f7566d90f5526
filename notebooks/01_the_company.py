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
# # The company
# What lies in the lake after `make run`: who the customers are, how they press against their limits, and who expanded.
# Open it in Jupyter with jupytext, or run it as a script from the project's folder.

# %%
import matplotlib.pyplot as plt
import pandas as pd

from pipelines import tables

labels = tables.LABELS.read()
training = tables.TRAINING.read()
rows = labels.merge(training, on=["account_id", "as_of"])
print(f"{rows['account_id'].nunique():,} accounts on {rows['as_of'].nunique()} monthly snapshots")

# %% [markdown]
# ## How often do accounts expand?
# By snapshot, with the blocks that learning uses. Between blocks lies a gap of one horizon.

# %%
by_month = rows.groupby(["as_of", "block"])["is_expansion"].mean().reset_index()
fig, ax = plt.subplots(figsize=(8, 3))
for block, part in by_month.groupby("block"):
    ax.scatter(part["as_of"], 100 * part["is_expansion"], label=block)
ax.set(ylabel="expanded within the horizon, %", ylim=(0, None))
ax.legend(frameon=False)
fig.tight_layout()

# %% [markdown]
# ## Where does it happen?
# Among the accounts of the training block only: the later ones are for judging.

# %%
train = rows[rows["block"] == "train"]
pressed = [name for name in ("limit_peak", "gated_events_28d", "events_per_seat_28d", "health_score") if name in train]
fig, axes = plt.subplots(1, len(pressed), figsize=(3 * len(pressed), 3), sharey=True)
for name, ax in zip(pressed, axes, strict=True):
    tenth = pd.qcut(train[name].astype("float64"), 10, duplicates="drop")
    rate = 100 * train.groupby(tenth, observed=True)["is_expansion"].mean()
    ax.plot([interval.mid for interval in rate.index], rate.to_numpy(), marker="o")
    ax.set(title=name)
axes[0].set(ylabel="expanded, %", ylim=(0, None))
fig.tight_layout()

# %% [markdown]
# ## What is known of whom?
# The share of snapshots on which a feature is null.

# %%
missing = training.isna().mean().sort_values(ascending=False)
print(missing[missing > 0.2].map("{:.0%}".format).to_string())
