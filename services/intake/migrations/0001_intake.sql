-- Who lives where: the register entry, and the ids of its people and addresses.
create table households (
    id uuid primary key,
    version integer not null,
    state jsonb not null
);

-- One prevention case: what was last said of it, and the ids of what belongs to it. The facts are in `statements`.
create table cases (
    id uuid primary key,
    household_id uuid not null references households (id) on delete cascade,
    status text not null,
    stage text not null,
    state jsonb not null
);
create index cases_of_household on cases (household_id);

-- What leads from a notice to its case: `docket|<court>|<docket>` to a case, `person|<name>|<address>` to a household.
-- The primary key is what keeps two processes from opening two cases for one suit.
create table match_keys (
    key text primary key,
    household_id uuid not null references households (id) on delete cascade,
    case_id uuid references cases (id) on delete cascade
);
create index match_keys_of_household on match_keys (household_id);

-- Everything that was said and counts for a case, or waits for its case (case_id is null). The history of a case, too.
create table statements (
    source text not null,
    id uuid not null,
    type text not null,
    case_id uuid references cases (id) on delete cascade,
    rank smallint not null,
    received_on date not null,
    recorded_at timestamptz not null,
    refers_to uuid,
    docket text,
    content jsonb not null,
    primary key (source, id)
);
create index statements_of_case on statements (case_id);
create index statements_referring on statements (source, refers_to) where refers_to is not null;
create index statements_waiting on statements (docket) where case_id is null and docket is not null;
