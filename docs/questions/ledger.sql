-- What the other files ask: every delivery, every decision. Read this first, in the folder that holds ledger/.

-- One row per account × delivery. delivery: its folder (2026-06-01.1 gave way to 2026-06-01); is_newest: what people
-- have now.
create or replace view lists as
select parse_path(filename)[-2] as delivery, not contains(parse_path(filename)[-2], '.') as is_newest,
  * exclude (filename)
from read_parquet('ledger/2*/ranked_accounts.parquet', filename = true);

-- One row per account × offer × delivery.
create or replace view candidates as
select parse_path(filename)[-2] as delivery, not contains(parse_path(filename)[-2], '.') as is_newest,
  * exclude (filename)
from read_parquet('ledger/2*/candidates.parquet', filename = true);

-- One row per delivery, in the order of delivery, with the policy that it was made by.
create or replace view deliveries as
select parse_path(s.filename)[-2] as delivery, s.number, s.as_of,
  m.parameters -> '$.gates' as gates, m.parameters -> '$.decide' as decide, m.parameters -> '$.segments' as segments,
  m.model_version
from read_json('ledger/2*/seal.json', filename = true, columns = {number: 'BIGINT', as_of: 'DATE'}) s
join read_json('ledger/2*/manifest.json', filename = true,
  columns = {parameters: 'JSON', model_version: 'VARCHAR'}) m
  on parse_path(s.filename)[-2] = parse_path(m.filename)[-2];

-- One row per line of ledger/entries.jsonl.
create or replace view entries as
select * from read_json('ledger/entries.jsonl', format = 'newline_delimited', columns = {
  number: 'BIGINT', entered_at: 'TIMESTAMP', kind: 'VARCHAR', as_of: 'DATE', seal: 'VARCHAR', account_id: 'VARCHAR',
  who: 'VARCHAR', why: 'VARCHAR', value: 'VARCHAR', until: 'DATE', against: 'VARCHAR',
  before: 'JSON', after: 'JSON', about: 'JSON'});
