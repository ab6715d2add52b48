-- +goose Up
-- +goose StatementBegin
-- One row for each stream: its counter. An append locks the row until it commits,
-- which orders the appends of all servers to the stream. The row is updated all
-- the time, so its page keeps room for the next version of it.
create table heads (
	stream       uuid primary key,
	org          uuid not null,
	first_offset bigint not null default 0,
	next_offset  bigint not null default 0,
	last_at      timestamptz
) with (fillfactor = 50);

-- One row for each stream and day on which it got events: the day's partition
-- holds the stream's offsets from first_offset on.
create table segments (
	stream       uuid not null,
	day          integer not null, -- days since 1970, UTC
	first_offset bigint not null,
	primary key (stream, day)
);

create index segments_day on segments (day);

-- People query one table. The server reads and writes the partition of a day by
-- its name (events_20260131), and never this one. payload and context are json
-- and not jsonb, because they are kept byte for byte.
create table events (
	stream          uuid not null,
	day             integer not null,
	"offset"        bigint not null,
	org             uuid not null,
	id              uuid not null,
	type            text not null,
	version         integer not null,
	occurred_at     timestamptz not null,
	received_at     timestamptz not null,
	source          text not null,
	subject         text not null,
	api_key         uuid,
	idempotency_key text not null,
	context         json,
	payload         json not null
) partition by list (day);

-- The idempotency keys that are remembered, each with the event that it made.
create table event_keys (
	stream      uuid not null,
	key         uuid not null, -- the first half of the key's SHA-256
	"offset"    bigint not null,
	id          uuid not null,
	received_at timestamptz not null,
	fingerprint uuid not null,
	primary key (stream, key)
);

create index event_keys_offset on event_keys (stream, "offset");

-- Makes room for a day's events. It does nothing where there is room already. Of
-- several servers that call it at once, one makes the partition and the others
-- wait for it.
create function eventflow_partition(of_day integer) returns void language plpgsql as $$
declare
	name text := 'events_' || to_char('1970-01-01'::date + of_day, 'YYYYMMDD');
begin
	perform pg_advisory_xact_lock(hashtextextended('eventflow_partition ' || current_schema(), of_day));
	if to_regclass(quote_ident(name)) is not null then
		return;
	end if;
	execute format('create table %I (like events including defaults)', name);
	execute format('create unique index on %I (stream, "offset")', name);
	-- Events of one commit share received_at, so this index stays small.
	execute format('create index on %I (org, received_at)', name);
	execute format('alter table events attach partition %I for values in (%s)', name, of_day);
end $$;

-- Takes n offsets of a stream, from `expected` on, for events received at
-- `received`. It raises EF001 when the stream is not where the caller believes it
-- to be, or has a later event. The row stays locked until the caller commits.
create function eventflow_advance(of_stream uuid, expected bigint, n bigint, received timestamptz, of_day integer)
returns void language plpgsql as $$
begin
	update heads set next_offset = next_offset + n, last_at = received
	where stream = of_stream and next_offset = expected and (last_at is null or last_at <= received);
	if not found then
		raise exception 'stream % is not at offset %', of_stream, expected using errcode = 'EF001';
	end if;
	if not exists (select from segments where stream = of_stream and day = of_day) then
		insert into segments values (of_stream, of_day, expected);
	end if;
end $$;
-- +goose StatementEnd
