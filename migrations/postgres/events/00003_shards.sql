-- +goose Up
-- +goose StatementBegin
-- A fenced stream takes no events: it is being moved to another store, or is there.
alter table heads add column fenced boolean not null default false;
create index heads_fenced on heads (stream) where fenced;

-- As before, and refuses a fenced stream by EF002, with its id as the detail. Whoever
-- fences has the row's lock: either the append commits before, or it finds the row as
-- the fence has left it, whatever it saw when it began.
create or replace function eventflow_advance(of_stream uuid, expected bigint, n bigint, received timestamptz, of_day integer)
returns void language plpgsql as $$
begin
	update heads set next_offset = next_offset + n, last_at = received
	where stream = of_stream and next_offset = expected and (last_at is null or last_at <= received) and not fenced;
	if not found then
		if exists (select from heads where stream = of_stream and fenced) then
			raise exception 'stream % is fenced', of_stream using errcode = 'EF002', detail = of_stream::text;
		end if;
		raise exception 'stream % is not at offset %', of_stream, expected using errcode = 'EF001';
	end if;
	if not exists (select from segments where stream = of_stream and day = of_day) then
		insert into segments values (of_stream, of_day, expected);
	end if;
end $$;

-- Which shard of which installation this store is; no row if it is none.
create table shard_label (
	one          integer primary key check (one = 1),
	installation uuid not null,
	number       integer not null,
	of           integer not null
);
-- +goose StatementEnd
