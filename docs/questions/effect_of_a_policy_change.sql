-- What did a change of policy (gates, decide, segments of params.yaml) do to the list?
-- One row per delivery that was made by another policy than the delivery before. Where `is_same_week`, nothing but the
-- policy (and what was mended in the data) lies between the two; otherwise a week does, and its share is unknown.
with changed as (
  select *, lag(delivery) over w as before, lag(as_of) over w as as_of_before,
    gates is distinct from lag(gates) over w or decide is distinct from lag(decide) over w
      or segments is distinct from lag(segments) over w as is_other_policy
  from deliveries window w as (order by number)
), pairs as (
  select c.number, c.before, c.delivery as after, c.as_of = c.as_of_before as is_same_week,
    coalesce(b.account_id, a.account_id) as account_id,
    coalesce(b.assignment = 'contact', false) as was_contact, coalesce(a.assignment = 'contact', false) as is_contact,
    b.expected_arr as arr_before, a.expected_arr as arr_after, b.blocked_by as gate_before, a.blocked_by as gate_after
  from changed c
  join lists a on a.delivery = c.delivery
  full join lists b on b.delivery = c.before and b.account_id = a.account_id
  where c.is_other_policy and c.before is not null
)
select before, after, is_same_week,
  count(*) filter (was_contact) as n_contact_before, count(*) filter (is_contact) as n_contact_after,
  count(*) filter (is_contact and not was_contact) as n_entered,
  count(*) filter (was_contact and not is_contact) as n_left,
  round(coalesce(sum(arr_before) filter (was_contact), 0), 2) as expected_arr_before,
  round(coalesce(sum(arr_after) filter (is_contact), 0), 2) as expected_arr_after,
  list(distinct gate_before order by gate_before) filter (gate_before is distinct from gate_after) as gates_that_opened
from pairs
group by number, before, after, is_same_week
order by number;
