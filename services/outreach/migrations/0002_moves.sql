-- Cases that a merge or split relates are read and locked together. part_of: the case that an absorbed one is part of now.
create table case_kin (
    case_id uuid primary key,
    family uuid not null,
    part_of uuid
);
create index case_kin_family on case_kin (family);
create index case_kin_part_of on case_kin (part_of) where part_of is not null;
