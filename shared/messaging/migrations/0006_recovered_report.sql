-- The report of `bleibe recover` is this table, so that it can be written again at any time: what is led to again is marked.
alter table recovered
    add column type text,
    add column time timestamptz,
    add column look text not null default '',
    add column again_at timestamptz;
update recovered r set type = j.type, time = j.time from journal j where (j.topic, j.key, j.n) = (r.topic, r.key, r.n);
delete from recovered where type is null; -- replaced on its register since: no message leads to it again
alter table recovered alter column type set not null, alter column time set not null;

-- Inputs are read again from their beginning: progress and receipts tell what is known, no clock does.
alter table recoveries alter column alive_at set default 'epoch';
