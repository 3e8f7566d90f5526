-- To whom was something put that a gate of that week's list kept from them?
-- One row per pitch: a line of the list itself (there should be none), an override, or a proposal that the company's
-- own tables hold, made within seven days of the list. Proposals are read from what the lists were made of, so those of
-- the newest week show once a later list was delivered; a company without proposals leaves that part out.
with made as (
  select * from read_parquet('ledger/2*/sealed/proposals.parquet', filename = true)
  qualify row_number() over (partition by proposal_id order by filename desc) = 1
)
select l.as_of, l.account_id, l.owner_id, l.offer_id, c.blocked_by as gate, 'list' as by, null as why
from lists l join candidates c using (delivery, account_id, offer_id)
where l.is_newest and l.assignment = 'contact' and not c.is_allowed
union all
select e.as_of, e.account_id, l.owner_id, e.after ->> '$.offer_id', e.against, 'override by ' || e.who, e.why
from entries e join lists l on l.is_newest and l.account_id = e.account_id and l.as_of = e.as_of
where e.kind = 'override' and e.against is not null
union all
select c.as_of, c.account_id, l.owner_id, c.offer_id, c.blocked_by, 'proposal ' || p.proposal_id, null
from made p
join candidates c on c.is_newest and c.account_id = p.account_id and c.offer_id = p.offer_id and not c.is_allowed
  and p.proposed_at::date >= c.as_of and p.proposed_at::date < c.as_of + 7
join lists l on l.is_newest and l.account_id = c.account_id and l.as_of = c.as_of
order by 1, 2, 6;
