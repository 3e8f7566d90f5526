-- Where did a week's list say something else of an account when it was delivered again?
-- One row per account × pair of deliveries of one week that follow each other.
with told as (
  select d.number, l.delivery, l.as_of, l.account_id, l.owner_id,
    list_filter([reason_1, reason_2, reason_3, reason_4, reason_5], lambda r: r is not null) as reasons,
    lead(l.delivery) over w as delivered_again, lead(reasons) over w as reasons_again
  from lists l join deliveries d using (delivery)
  window w as (partition by l.as_of, l.account_id order by d.number)
)
select as_of, account_id, owner_id, delivery, delivered_again,
  list_filter(reasons, lambda r: not list_contains(reasons_again, r)) as no_longer_said,
  list_filter(reasons_again, lambda r: not list_contains(reasons, r)) as said_now
from told
where delivered_again is not null and reasons <> reasons_again
order by as_of, account_id, number;
