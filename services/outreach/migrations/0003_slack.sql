-- The day that an open visit must come before: how much slack is left is counted without reading any file.
alter table open_visits add column deadline_on date;
update open_visits v set deadline_on = (
    select min((deadline ->> 'on')::date)
    from case_files f, jsonb_array_elements(f.state #> '{case,deadlines}') as deadline
    where f.case_id = v.case_id and deadline ->> 'rule' in (
        'SCHONFRIST_END', 'HEARING', 'DEFENCE_NOTICE', 'DEFAULT_JUDGMENT_OBJECTION', 'ENFORCEMENT_PROTECTION', 'SECURITY_ORDER'
    )
);
