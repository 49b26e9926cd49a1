-- What this service had said before its database was lost, and a topic still knew (`bleibe recover`). When the message that
-- caused it is decided again, it is not said a second time. causation_id null: people or the clock had caused it.
create table recovered (
    topic text not null,
    key text not null,
    n bigint not null,
    causation_id uuid,
    recovered_at timestamptz not null default now(),
    primary key (topic, key, n)
);
