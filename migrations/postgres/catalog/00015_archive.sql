-- +goose Up
-- +goose StatementBegin
-- For how many days a stream's events stay in the store; 0 is what the settings say.
alter table streams add column hot_days integer not null default 0;

-- The objects in the archive. One that is dropped is out of sight, and still there.
create table archive_segments (
	stream       text collate "C" not null,
	first_offset bigint not null,
	next_offset  bigint not null,
	org          text not null,
	first_at     bigint not null, -- microseconds since 1970
	last_at      bigint not null,
	bytes        bigint not null,
	object_bytes bigint not null,
	object       text not null,
	sha256       text not null,
	dropped      integer not null default 0,
	primary key (stream, first_offset)
);

create index archive_segments_org on archive_segments (org, last_at) where dropped = 0;

select eventflow_wall('archive_segments', 'org');
-- +goose StatementEnd
