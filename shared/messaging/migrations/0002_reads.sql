-- Who read whose data, and what for. Kept beside the data it speaks of, one row for each person read about.
create table reads (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    person_id text not null,
    role text not null,
    purpose text not null,
    what text not null check (what ~ '^[a-z][a-z_]*$'),
    subject_id uuid not null
);

create index reads_by_subject on reads (subject_id, at);
create index reads_by_person on reads (person_id, at);
create index reads_by_time on reads (at);
