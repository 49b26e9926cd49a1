-- One file a case, always read and written whole; what is asked of many files at once has columns or tables of its own.
create table case_files (
    case_id uuid primary key,
    household_id uuid not null,
    state jsonb not null
);
create index case_files_household on case_files (household_id);

-- The newest register entry of each household: names and addresses, gone with the tombstone.
create table registers (
    household_id uuid primary key,
    version bigint not null,
    entry jsonb not null
);

-- The open visits: who goes where and when. caseworker null is the team's queue.
create table open_visits (
    visit_id uuid primary key,
    case_id uuid not null references case_files (case_id) on delete cascade,
    team text not null,
    caseworker text,
    planned_on date,
    time_window text,
    seat smallint,
    alarmed boolean not null,
    -- Real time, whatever the city's clock says: since when an assignment waits for the register's entry.
    waiting_since timestamptz,
    -- No caseworker twice in one seat; checked at the end of a statement, so that two visits may change places.
    constraint open_visits_one_seat unique (caseworker, planned_on, time_window, seat) deferrable initially immediate
);
create index open_visits_case on open_visits (case_id);
create index open_visits_team on open_visits (team, planned_on);
create index open_visits_waiting on open_visits (waiting_since) where waiting_since is not null;

-- What caseworkers wrote down about people (§ 76 SGB X): never part of an event, gone with the case.
create table notes (
    report_id uuid primary key,
    case_id uuid not null references case_files (case_id) on delete cascade,
    actor text not null,
    recorded_at timestamptz not null,
    note text not null
);
create index notes_case on notes (case_id);
