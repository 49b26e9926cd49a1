-- What is left of an erased case is its id: whoever is told later that it came or went has nothing to wait for.
alter table case_kin add column erased boolean not null default false;
