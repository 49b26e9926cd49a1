-- Whether a case's newest state tells of a merge or split that the other key has not told of yet: operations count these.
alter table case_files add column waits boolean not null default false;
update case_files set waits = true
where state #>> '{facts,household_id}' is not null and state ->> 'merged_into' is null and not (
    state -> 'taken_in' @> (state #> '{facts,absorbed}') and state -> 'split_off' @> (state #> '{facts,split_off}')
);
create index case_files_waits on case_files (waits) where waits;
