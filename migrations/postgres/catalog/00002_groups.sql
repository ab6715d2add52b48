-- +goose Up
-- +goose StatementBegin
create table consumer_groups (
	id              text collate "C" primary key,
	org             text not null,
	stream          text not null,
	name            text collate "C" not null,
	mode            text not null,
	visibility      bigint not null, -- this and the backoff in microseconds
	max_attempts    integer not null,
	backoff_initial bigint not null,
	backoff_max     bigint not null,
	revision        bigint not null,
	created_at      bigint not null,
	updated_at      bigint not null
);

create unique index consumer_groups_name on consumer_groups (stream, name);

-- How far each group got. state is a document that only the server can read.
create table group_progress (
	group_id text primary key references consumer_groups (id) on delete cascade,
	revision bigint not null,
	state    text not null
) with (fillfactor = 50); -- updated all the time

-- Failed attempts, for the history of an event. Each covers at most 1,000 offsets,
-- which bounds where to look for those of one.
create table delivery_attempts (
	group_id    text not null references consumer_groups (id) on delete cascade,
	from_offset bigint not null,
	to_offset   bigint not null,
	number      integer not null,
	at          bigint not null,
	outcome     text not null,
	reason      text not null
);

create index delivery_attempts_offset on delivery_attempts (group_id, from_offset);
create index delivery_attempts_at on delivery_attempts (at);

create table dead_letters (
	id         text collate "C" primary key,
	org        text not null,
	stream     text not null,
	group_id   text not null references consumer_groups (id) on delete cascade,
	"offset"   bigint not null,
	event_type text not null,
	state      text not null,
	reason     text not null,
	parked_at  bigint not null,
	attempts   text not null, -- JSON
	event      text not null, -- JSON, without what follows
	context    text not null,
	payload    text not null
);

create index dead_letters_org on dead_letters (org, id);
create index dead_letters_group on dead_letters (group_id, "offset");

create table replays (
	id         text collate "C" primary key,
	org        text not null,
	state      text not null,
	held_until bigint not null,
	revision   bigint not null,
	document   text not null -- JSON
);

create index replays_running on replays (id) where state = 'running';
-- +goose StatementEnd
