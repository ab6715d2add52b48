-- +goose Up
-- +goose StatementBegin
-- A fenced stream takes no events: it is being moved to another store, or is there.
alter table heads add column fenced integer not null default 0;
create index heads_fenced on heads (stream) where fenced;

-- Which shard of which installation this store is; no row if it is none.
create table shard_label (
	one          integer primary key check (one = 1),
	installation blob not null,
	number       integer not null,
	of           integer not null
) strict;
-- +goose StatementEnd
