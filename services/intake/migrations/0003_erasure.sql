-- What people asked to be erased, and what came of it. A reason that names somebody of the household is not taken.
create table erasures (
    id bigint generated always as identity primary key,
    household_id uuid not null,
    who text not null,
    reason text not null,
    asked_at timestamptz not null default now(),
    done_at timestamptz,
    outcome text check (outcome in ('erased', 'held', 'unknown')),
    cases integer
);
create index erasures_open on erasures (id) where done_at is null;

-- Cases that must be kept for a proceeding still running, whatever their age (legal hold).
create table holds (
    case_id uuid primary key references cases (id) on delete cascade,
    who text not null,
    reason text not null,
    since timestamptz not null default now()
);

-- A revoked notice is erased when two persons agree; until then its data are blocked.
create table revocations (
    source text not null,
    id uuid not null,
    first text not null,
    first_at timestamptz not null default now(),
    second text check (second <> first),
    second_at timestamptz,
    done_at timestamptz,
    primary key (source, id)
);
create index revocations_agreed on revocations (second_at) where second_at is not null and done_at is null;

-- All that outlives an erasure: that a termination was healed, for as long as that can use the Schonfrist up (§ 569 III Nr. 2
-- BGB). `person` is a keyed hash of a person at their address.
create table healings (
    person bytea not null,
    healed_on date not null,
    termination_received_on date,
    expires_on date not null,
    primary key (person, healed_on)
);
create index healings_expiring on healings (expires_on);

-- Closed cases by their last change, for the retention period.
create index cases_closed on cases ((state -> 'last' ->> 'changed_on')) where status = 'CLOSED';
create index statements_unplaced on statements (received_on) where case_id is null;
