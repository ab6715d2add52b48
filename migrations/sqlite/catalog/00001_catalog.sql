-- +goose Up
-- +goose StatementBegin
create table organizations (
	id         text primary key,
	name       text not null unique,
	created_at integer not null -- microseconds since 1970
) strict;

create table streams (
	id                 text primary key,
	org                text not null references organizations (id),
	name               text not null,
	description        text not null,
	retention_days     integer not null,
	idempotency_window integer not null, -- seconds; 0 is as long as events are kept
	schema             text not null,    -- JSON Schema, or empty
	revision           integer not null,
	created_at         integer not null,
	updated_at         integer not null,
	deleted_at         integer
) strict;

-- A deleted stream's name is free.
create unique index streams_name on streams (org, name) where deleted_at is null;

create table api_keys (
	id          text primary key,
	org         text not null references organizations (id),
	label       text not null,
	environment text not null,
	role        text not null,
	streams     text not null, -- ids, separated by spaces; empty is all
	masked      text not null,
	hash        blob not null unique,
	created_at  integer not null,
	expires_at  integer,
	revoked_at  integer
) strict;

create index api_keys_org on api_keys (org, created_at);
-- +goose StatementEnd
