-- The cases where something is still owed: where the promise stands is counted without reading the others.
create index on case_rows (case_id) where line ? 'owed' or line ? 'uncovered';
