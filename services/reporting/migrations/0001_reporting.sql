-- Reporting's own memory: every fact it read, in the order of each key.
create table facts (
    position bigint generated always as identity,
    topic text not null,
    key uuid not null,
    n bigint not null,
    event_id uuid not null,
    type text not null,
    time timestamptz not null,
    data jsonb not null,
    primary key (key, topic, n)
);
create unique index facts_position on facts (position);

-- The read model: one row a case, one part a topic; `line` is what indicators read, computed from the parts.
create table case_rows (
    case_id uuid primary key,
    cases jsonb,
    visits jsonb,
    assessments jsonb,
    referrals jsonb,
    outcomes jsonb,
    line jsonb
);

-- Cases whose time is over: what comes late of them is not kept.
create table erased (
    case_id uuid primary key
);

-- What was published of a closed quarter, as it was published; it stays when its cases go.
-- `sealed`: a case of that quarter was erased since, so that a correction would tell about the erased one.
create table releases (
    quarter text not null check (quarter ~ '^[0-9]{4}Q[1-4]$'),
    version integer not null,
    as_of date not null,
    report jsonb not null,
    sealed boolean not null default false,
    primary key (quarter, version)
);

-- A rebuild grows here, beside the live read model, until it takes its place.
create schema rebuilding;
