-- +goose Up
-- +goose StatementBegin
-- Addresses at which senders put events in.
create table sources (
	id         text primary key,
	org        text not null,
	stream     text not null,
	name       text not null,
	preset     text not null,
	settings   text not null, -- JSON
	state      text not null,
	masked     text not null,
	hash       blob not null, -- of the address
	sealed     blob not null, -- the secrets, encrypted
	created_by text not null, -- a user or a key, or empty
	revision   integer not null,
	created_at integer not null,
	updated_at integer not null
) strict;

create unique index sources_name on sources (org, name);
create unique index sources_hash on sources (hash);

-- What was kept out of the streams, the newest of each source.
create table source_refusals (
	id       text primary key,
	source   text not null references sources (id) on delete cascade,
	document text not null -- JSON
) strict;

create index source_refusals_source on source_refusals (source, id);
-- +goose StatementEnd
