-- What a hop writes beside journal and outbox; the same for every contestant.
create table cases (
    id uuid primary key,
    household_id uuid not null,
    stage text not null,
    received_on date not null
);

create table households (
    id uuid primary key,
    case_id uuid not null,
    version integer not null,
    family_name text not null,
    given_name text
);
