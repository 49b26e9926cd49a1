-- A court's form that somebody has begun to type. The id becomes the notice's id, so that filing it twice files it once.
create table drafts (
    id uuid primary key,
    owner text not null,
    updated_at timestamptz not null,
    content jsonb not null
);

-- The start page lists them; without this it would read every case.
create index cases_possible_duplicates on cases (id) where (state -> 'last' -> 'banners') ? 'POSSIBLE_DUPLICATE';
