-- The sequence of each key of each topic this service writes. Its row lock makes the order per key the order of commits.
create table streams (
    topic text not null,
    key text not null,
    last bigint not null,
    primary key (topic, key)
);

-- The memory behind Kafka: every event this service wrote, until retention or erasure takes it.
create table journal (
    id bigint generated always as identity primary key,
    topic text not null,
    key text not null,
    n bigint not null,
    event_id uuid not null,
    type text not null,
    time timestamptz not null,
    data text,
    causation_id uuid,
    traceparent text,
    unique (topic, key, n)
);

-- What the relay has still to send, oldest id first.
create table outbox (
    id bigint generated always as identity primary key,
    journal_id bigint not null references journal (id),
    queued_at timestamptz not null default now()
);
create index outbox_journal on outbox (journal_id);

-- First and last offset of the newest send that the broker acknowledged, and the last event: a lower offset later, or another
-- event there, means that the broker lost its memory.
create table published (
    topic text not null,
    partition integer not null,
    first_offset bigint not null,
    last_offset bigint not null,
    event_id uuid not null,
    primary key (topic, partition)
);

-- How far this service has read each key of each topic of ours.
create table progress (
    topic text not null,
    key text not null,
    last bigint not null,
    primary key (topic, key)
);

-- What could not take effect: `failed` at the head, `behind` it, or after a `gap`; outside messages alone (n is null).
create table parked (
    id bigint generated always as identity primary key,
    topic text not null,
    key text,
    n bigint,
    source text,
    message_id uuid,
    digest bytea not null,
    reason text not null check (reason in ('failed', 'behind', 'gap', 'retry')),
    field text,
    rule text not null,
    record_key bytea,
    record_value bytea,
    record_headers jsonb not null,
    parked_at timestamptz not null default now()
);
create unique index parked_in_sequence on parked (topic, key, n) where n is not null;
create unique index parked_alone on parked (topic, digest) where n is null;

-- Who let a parked event go, and why.
create table dropped (
    id bigint generated always as identity primary key,
    topic text not null,
    key text,
    n bigint,
    message_id uuid,
    rule text not null,
    who text not null,
    why text not null,
    dropped_at timestamptz not null default now()
);

-- Every message from outside, once, with its answer. The value is kept only where it was refused, for a person to see.
create table inbound (
    source text not null,
    id uuid not null,
    topic text not null,
    digest bytea not null,
    type text,
    answer text,
    field text,
    rule text,
    refused_value bytea,
    recorded_at timestamptz not null default now(),
    primary key (source, id)
);
create index inbound_recorded on inbound (topic, recorded_at);

-- The clock's date on which each periodic job last ran to its end.
create table ticks (
    job text primary key,
    clock_date date not null,
    ran_at timestamptz not null default now()
);
