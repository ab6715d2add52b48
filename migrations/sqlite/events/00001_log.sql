-- +goose Up
-- +goose StatementBegin
-- One row per stream: its counter, under which every append is serialized.
create table heads (
	number       integer primary key,
	stream       blob not null unique,
	org          blob not null,
	first_offset integer not null default 0,
	next_offset  integer not null default 0,
	last_at      integer not null default 0 -- microseconds since 1970
) strict;

-- rowid is the order of commits over all streams.
create table events (
	seq             integer primary key,
	stream          integer not null references heads (number),
	"offset"        integer not null,
	id              blob not null,
	type            text not null,
	version         integer not null,
	occurred_at     integer not null,
	received_at     integer not null,
	source          text not null,
	subject         text not null,
	api_key         blob,
	idempotency_key text not null,
	context         text not null,
	payload         text not null
) strict;

create unique index events_offset on events (stream, "offset");

-- The order over all streams of one organization is by time first.
create index events_received_at on events (received_at);

create table event_keys (
	stream      integer not null,
	key         text not null,
	"offset"    integer not null,
	id          blob not null,
	received_at integer not null,
	fingerprint blob not null,
	primary key (stream, key)
) strict, without rowid;

create index event_keys_offset on event_keys (stream, "offset");
-- +goose StatementEnd
