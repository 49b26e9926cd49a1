-- When `bleibe recover` asked the service to read its inputs again, and this database's last sign of life before that.
create table recoveries (
    id bigint generated always as identity primary key,
    asked_at timestamptz not null default now(),
    alive_at timestamptz not null,
    done_at timestamptz
);
