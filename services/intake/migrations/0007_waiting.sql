-- What waits for people, the oldest first: clarifications, and revoked notices that two persons may erase.
create index clarifications_waiting on clarifications (asked_on, id) where state = 'OPEN';
create index statements_revoking on statements (received_on) where type = 'de.bleibe.notice.revoked.v1';
