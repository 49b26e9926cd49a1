-- A form may correct a notice that the desk has filed; one such draft for each notice, whoever begins it.
alter table drafts add column corrects uuid;
create unique index drafts_correcting on drafts (corrects) where corrects is not null;
