-- The release before this one names neither column when it writes, and must be able to while both run.
alter table recovered alter column type set default '', alter column time set default now();

-- Whether a message had been answered before the database was lost: asked with each batch that is read again.
create index recovered_causation on recovered (causation_id);

-- recoveries.alive_at is read by nobody any more. The release before still writes it, so it goes with a later one.
comment on column recoveries.alive_at is 'read by nobody since inputs are read again from their beginning; to be dropped';
