-- Two households may know one person: a person's key leads to each of them, a court file's still to one case alone.
alter table match_keys drop constraint match_keys_pkey, add primary key (key, household_id);
create unique index match_keys_of_dockets on match_keys (key) where case_id is not null;

-- Likeness: each key of a person at an address, a number that names nobody, leads to the few households to compare.
create table likeness_keys (
    key bigint not null,
    household_id uuid not null references households (id) on delete cascade,
    primary key (key, household_id)
);
create index likeness_keys_of_household on likeness_keys (household_id);

-- The people of a household as they are compared: each spelling at each address in normal form.
create table likenesses (
    household_id uuid not null references households (id) on delete cascade,
    person_id uuid not null,
    form text not null,
    primary key (household_id, person_id, form)
);

-- Why a notice was attached to a household by likeness: codes and weights, no names.
create table reasons (
    source text not null,
    id uuid not null,
    score double precision not null,
    reasons jsonb not null,
    primary key (source, id),
    foreign key (source, id) references statements (source, id) on delete cascade
);

-- May these two cases be one? A person answers. `reasons` as above.
create table clarifications (
    id uuid primary key,
    one uuid not null references cases (id) on delete cascade,
    other uuid not null references cases (id) on delete cascade check (other > one),
    score double precision not null,
    reasons jsonb not null,
    asked_on date not null,
    state text not null default 'OPEN' check (state in ('OPEN', 'SAME', 'DIFFERENT')),
    decided_by text,
    decided_at timestamptz,
    check ((state = 'OPEN') = (decided_by is null))
);
create unique index clarifications_open on clarifications (one, other) where state = 'OPEN';
create index clarifications_of_one on clarifications (one);
create index clarifications_of_other on clarifications (other);

-- Two households that a person called different, or that were split: never attached, never asked about again.
create table kept_apart (
    one uuid not null references households (id) on delete cascade,
    other uuid not null references households (id) on delete cascade check (other > one),
    primary key (one, other)
);
create index kept_apart_other on kept_apart (other);

-- A merged household's id stays known: whoever asks to erase it means the household it is part of.
create table household_aliases (
    id uuid primary key,
    household_id uuid not null references households (id) on delete cascade
);
create index household_aliases_of on household_aliases (household_id);

-- A merged case stays as an alias of the case it is part of (status MERGED); a split one knows where it came from.
alter table cases add column merged_into uuid, add column split_from uuid;
create index cases_merged_into on cases (merged_into) where merged_into is not null;
create index cases_split_from on cases (split_from) where split_from is not null;

-- With which absorbed cases a statement came, the first merge first: what a split takes back.
alter table statements add column came_with uuid[] not null default '{}';

-- Who merged or split which cases.
create table moves (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('MERGED', 'SPLIT')),
    case_id uuid not null references cases (id) on delete cascade,
    moved uuid not null references cases (id) on delete cascade,
    who text not null,
    at timestamptz not null
);
create index moves_of_case on moves (case_id);
create index moves_of_moved on moves (moved);
