-- What did each owner do with the list?
-- One row per week × owner: accounts to contact, and of these how many were contacted, answered, overridden or left.
with said as (
  select as_of, account_id,
    bool_or(kind = 'feedback' and value = 'contacted') as was_contacted,
    arg_max(value, number) filter (kind = 'answer') as answer,
    bool_or(kind = 'override') as is_overridden
  from entries group by all
)
select l.as_of, coalesce(l.owner_id, '(nobody)') as owner_id,
  count(*) filter (l.assignment = 'contact') as n_to_contact,
  count(*) filter (l.assignment = 'contact' and (s.was_contacted or s.answer is not null)) as n_contacted,
  count(*) filter (s.answer = 'accepted') as n_accepted,
  count(*) filter (s.answer = 'declined') as n_declined,
  count(*) filter (s.answer = 'snoozed') as n_snoozed,
  count(*) filter (s.is_overridden) as n_overridden,
  count(*) filter (l.assignment = 'contact' and s.account_id is null) as n_left,
  round(sum(l.expected_arr) filter (l.assignment = 'contact' and s.account_id is null), 2) as expected_arr_left
from lists l left join said s using (as_of, account_id)
where l.is_newest
group by all
order by 1, 2;
