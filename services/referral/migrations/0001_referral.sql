-- One row a case, always read whole. `state` is services/referral/casefile.py:CaseFile; the columns are what is searched by.
create table case_files (
    case_id uuid primary key,
    household_id uuid,
    schonfrist_on date,
    state jsonb not null
);
create index case_files_household on case_files (household_id) where household_id is not null;

-- Where each referral stands, for replies, time-outs, capacity and lists. Written with its case's row, never alone.
create table referrals (
    referral_id uuid primary key,
    case_id uuid not null references case_files (case_id),
    need text not null,
    need_group text not null,
    state text not null,
    provider text,
    service text,
    tries integer not null,
    answer_by date,
    changed_on date not null,
    held boolean not null,
    undertaking_missing boolean not null
);
create index referrals_case on referrals (case_id);
create index referrals_due on referrals (answer_by) where state = 'OFFERED';
create index referrals_held on referrals (service) where held;
create index referrals_waiting on referrals (state) where state in ('CONSENT_PENDING', 'OFFERED', 'ACCEPTED', 'STARTED', 'ESCALATED');

-- The register's newest record, or none: not yet come, or erased.
create table households (
    household_id uuid primary key,
    record jsonb
);
