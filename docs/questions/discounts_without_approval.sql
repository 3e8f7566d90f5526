-- Which discounts that somebody has to approve went out without an approval?
-- One row per account × week: by the list as people have it, or by a person who overrode it with a larger one.
with wanted as (
  select account_id, as_of, owner_id, offer_id, discount_pct, approval as approver, 'list' as by
  from lists where is_newest and assignment = 'contact' and approval is not null
  union all
  select e.account_id, e.as_of, l.owner_id, coalesce(e.after ->> '$.offer_id', l.offer_id),
    (e.after ->> '$.discount_pct')::double, coalesce(l.approval, 'nobody was asked'), 'override by ' || e.who
  from entries e join lists l on l.is_newest and l.account_id = e.account_id and l.as_of = e.as_of
  where e.kind = 'override' and (e.after ->> '$.discount_pct')::double > coalesce(l.discount_pct, 0)
)
select w.*, r.who as refused_by
from wanted w
left join entries a
  on a.kind = 'approval' and a.value = 'approved' and a.account_id = w.account_id and a.as_of = w.as_of
left join entries r
  on r.kind = 'approval' and r.value = 'refused' and r.account_id = w.account_id and r.as_of = w.as_of
where a.number is null
order by as_of, account_id;
