-- What is left of an outside message about somebody erased: a keyed hash of source and id, so that a replay is refused.
create table erased_messages (
    hash bytea primary key,
    erased_at timestamptz not null default now()
);
-- Keys whose journal is emptied once more: what a transaction says is journalled after it has erased.
create table erasing (
    key text primary key
);
-- Refused content is kept for a while only, and looked through when somebody is erased.
create index inbound_refused on inbound (recorded_at) where refused_value is not null;
