-- The cases to be read with this one: the one it was merged into, and those that a split made of one case.
alter table case_files add column follows uuid[] not null default '{}';
