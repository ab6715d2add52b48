-- +goose Up
-- +goose StatementBegin
-- What is kept of a stream besides its age; 0 is no bound.
alter table streams add column retention_bytes bigint not null default 0;
alter table streams add column retention_events bigint not null default 0;

-- What retention removed last, as JSON, or empty.
alter table streams add column last_removal text not null default '';
-- +goose StatementEnd
