-- +goose Up
-- +goose StatementBegin
-- On which shard of the store a stream's events are, and a move to another one that has
-- begun, as JSON.
alter table streams add column shard integer not null default 0;
alter table streams add column moving text not null default '';

-- Counts the streams of each shard without reading them.
create index streams_shard on streams (shard) where deleted_at is null;
-- +goose StatementEnd
