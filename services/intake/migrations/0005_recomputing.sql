-- Each process computes the deadlines of all open cases anew when it starts: its rules and holidays may be other ones.
-- `after`: the last case it has done; `changed`: how many cases have other deadlines now.
create table recomputations (
    id uuid primary key,
    started_at timestamptz not null default now(),
    after uuid not null,
    cases integer not null default 0,
    changed integer not null default 0,
    done_at timestamptz
);
