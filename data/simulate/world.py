"""The parameters of a simulated world, and the four companies of the presets; the defaults are `midmarket`.

Log-odds and log-hazards unless a comment says otherwise; "a month" is a calendar month. The equations are in
docs/simulator.md.
"""

from datetime import date

from pydantic import Field

from data.settings import Settings


class Arrivals(Settings):
    """Who the customers are and when they came."""

    share_before: float = Field(default=0.62, ge=0, le=1)  # signed up before the window
    burn_in_months: int = Field(default=30, ge=0)  # how long before the window the oldest of them signed up
    plan_shares: tuple[float, ...] = (0.10, 0.42, 0.36, 0.12)  # of the plans in the order of their tiers
    annual_share: float = Field(default=0.45, ge=0, le=1)
    mean_log_users: float = 3.0  # log of the users who would like to work with it at sign-up
    sd_log_users: float = 0.75
    return_hazard: float = Field(default=0.012, ge=0)  # a month, of those who left


class Dynamics(Settings):
    """How an account's inner state moves from month to month."""

    growth: float = -0.001  # mean drift of log users a month
    growth_spread: float = 0.011  # between accounts
    growth_noise: float = 0.045
    satisfaction_persistence: float = 0.86
    satisfaction_level: float = 0.25  # to which an account of average fit tends
    satisfaction_noise: float = 0.26
    ticket_harm: float = 0.28  # of a serious ticket on satisfaction
    champion_leaves: float = 0.012  # probability a month
    adoption_speed: float = 0.075  # share of the way to its full breadth that an account goes in a month
    storage_growth: float = 0.028
    api_growth: float = 0.022
    contagion: float = 0.35  # how much crowded seats spread use to colleagues: growth rises with use and satisfaction
    life_event_rate: float = 0.018  # a month
    life_event_growth: float = 0.035  # of log users a month, over the months after the event
    pitch_while_angry: float = -0.45  # on satisfaction


class Expansion(Settings):
    """What makes an account expand of its own accord: log-hazards a month."""

    upgrade: float = -4.0
    seats: float = -3.6
    add_on: float = -3.7
    quiet: float = 0.02  # the share of full pressure that is felt where nothing presses
    seat_pressure_at: float = 0.97  # wanted users ÷ seats at which half the pressure is felt
    limit_pressure_at: float = 0.88  # of a metric's limit
    pressure_width: float = 0.045
    gates_at: float = 1.5  # needed but locked features at which half the pressure is felt
    gates_width: float = 0.28
    satisfaction: float = 2.4  # inside a logistic: the angry do not expand, the content hardly differ
    champion: float = 0.45
    budget: float = 0.45
    price_sensitivity: float = -0.30
    renewal: float = 0.55  # within three months of it
    life: float = 0.85
    growth: float = 0.35  # of users over the last quarter, per 10 %
    size: float = 0.12  # per log seat
    serious_ticket: float = -1.3
    refusal: float = -0.5
    trial: float = 0.9
    months_to_trust: float = 3.5  # tenure at which half the hazard is there
    settling_months: int = Field(default=3, ge=0)  # after a change of terms nothing changes again


class Leaving(Settings):
    """Contraction and churn: log-hazards a month."""

    churn_monthly: float = -5.25
    churn_annual: float = -3.1  # in the month of renewal
    churn_free: float = -4.6
    satisfaction: float = -0.95
    champion: float = -0.35
    idle_seats: float = 1.1  # share of seats that nobody uses
    price_rise: float = 0.5  # for the price-sensitive, in the months after it
    business_closed: float = 0.0006  # probability a month
    seats_down: float = -4.8
    downgrade: float = -5.2


class Selling(Settings):
    """What the CSMs propose, and how accounts answer."""

    random_rate: float = Field(default=0.035, ge=0, le=1)  # a month: drawn at random, pscore logged
    random_none: float = Field(default=0.25, ge=0, le=1)  # of those: held out
    holdout_months: int = Field(default=3, ge=0)
    chosen: float = -3.3  # log-odds a month that the CSM proposes something
    chosen_pressure: float = 2.1
    chosen_sentiment: float = 0.45
    chosen_renewal: float = 0.5
    chosen_recent: float = -1.6  # after a proposal within three months
    accept: float = -3.55
    accept_need: float = 2.9
    accept_satisfaction: float = 0.75
    accept_champion: float = 0.40
    accept_budget: float = 0.30
    accept_price: float = -0.30  # per unit of price sensitivity
    accept_discount: float = 0.050  # per percentage point, for an account of average price sensitivity
    accept_angry: float = -1.6  # times how angry
    channels: dict[str, float] = {"csm": 0.25, "email": -0.35, "in_app": -0.2}
    kinds: dict[str, float] = {
        "upgrade": 0.0, "seats": 0.1, "add_on": -0.1, "bundle": -0.5, "annual": -0.4,
        "trial": 0.9, "enablement": 1.2, "retention": -0.3,
    }  # fmt: skip


class World(Settings):
    """Everything that can be set about a simulated company.

    >>> World().signal
    1.0
    """

    signal: float = Field(default=1.0, ge=0, le=1)  # 0: nothing that is done or seen has to do with anything bought
    noise_hazard: float = Field(default=0.035, ge=0, lt=1)  # expansion a month where signal is 0
    price_rise_on: date | None = date(2025, 10, 1)
    price_rise: float = 0.07
    opted_in: float = Field(default=0.87, ge=0, le=1)
    accounts_per_csm: int = Field(default=100, ge=5)
    without_owner: float = Field(default=0.05, ge=0, le=1)
    survey_rate: float = Field(default=0.32, ge=0, le=1)  # of accounts answer a survey that is sent every fifth month
    usage_rate: float = Field(
        default=0.126, ge=0
    )  # rows a day and adopted feature, at one user; grows with the root of users
    horizon_days: int = Field(default=90, ge=1, le=92)  # of the truth about expansion
    replicates: int = Field(default=12, ge=1)  # futures that are averaged for it
    year_replicates: int = Field(default=12, ge=1)  # years that are averaged for the value of an offer
    arrivals: Arrivals = Arrivals()
    dynamics: Dynamics = Dynamics()
    expansion: Expansion = Expansion()
    leaving: Leaving = Leaving()
    selling: Selling = Selling()


PRESETS: dict[str, World] = {
    "midmarket": World(),
    # Most accounts are free and small, leave without a word and are reached by no one but the product itself.
    "plg_freemium": World(
        accounts_per_csm=400, without_owner=0.8, opted_in=0.78, survey_rate=0.12,
        arrivals=Arrivals(
            plan_shares=(0.88, 0.08, 0.035, 0.005), annual_share=0.22, mean_log_users=2.2, sd_log_users=0.8,
            share_before=0.5,
        ),
        expansion=Expansion(upgrade=-4.9, seats=-3.3, limit_pressure_at=0.92),
        leaving=Leaving(churn_free=-3.6, churn_monthly=-4.2, churn_annual=-2.3),
        selling=Selling(
            chosen=-1.7, random_rate=0.012, channels={"csm": 0.1, "email": -0.4, "in_app": 0.0}, accept=-3.9
        ),
    ),
    # Few and large accounts, contracts by the year, a CSM for every couple of dozen of them.
    "enterprise": World(
        accounts_per_csm=25, without_owner=0.0, opted_in=0.93, survey_rate=0.4, usage_rate=0.07,
        arrivals=Arrivals(
            plan_shares=(0.0, 0.34, 0.42, 0.24), annual_share=0.98, mean_log_users=4.7, sd_log_users=0.9,
            share_before=0.8,
        ),
        dynamics=Dynamics(
            growth=0.006, life_event_rate=0.025, growth_noise=0.035, satisfaction_noise=0.24, satisfaction_level=0.35
        ),
        expansion=Expansion(seats=-2.9, upgrade=-3.8, add_on=-3.4, months_to_trust=5.0, size=0.05),
        leaving=Leaving(churn_annual=-3.2, churn_monthly=-5.5, seats_down=-5.0, downgrade=-5.6),
        selling=Selling(
            chosen=-2.9, accept_champion=0.6, channels={"csm": 0.3, "email": -0.7, "in_app": -0.7}, accept=-3.7
        ),
    ),
    "noise": World(
        signal=0.0,
        price_rise_on=None,
        arrivals=Arrivals(plan_shares=(0.0, 0.5, 0.4, 0.1)),
        expansion=Expansion(settling_months=0),  # or a recent change would tell that none follows
    ),
}  # fmt: skip
