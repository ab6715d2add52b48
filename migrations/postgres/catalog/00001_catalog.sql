-- +goose Up
-- +goose StatementBegin
create table organizations (
	id text primary key,
	name       text not null unique,
	created_at bigint not null -- microseconds since 1970
);

create table streams (
	id text primary key,
	org                text not null references organizations (id),
	name               text collate "C" not null,
	description        text not null,
	retention_days     integer not null,
	idempotency_window bigint not null, -- seconds; 0 is as long as events are kept
	schema             text not null,    -- JSON Schema, or empty
	revision           bigint not null,
	created_at         bigint not null,
	updated_at         bigint not null,
	deleted_at         bigint
);

-- A deleted stream's name is free.
create unique index streams_name on streams (org, name) where deleted_at is null;

create table api_keys (
	id text primary key,
	org         text not null references organizations (id),
	label       text not null,
	environment text not null,
	role        text not null,
	streams     text not null, -- ids, separated by spaces; empty is all
	masked      text not null,
	hash        bytea not null unique,
	created_at  bigint not null,
	expires_at  bigint,
	revoked_at  bigint
);

create index api_keys_org on api_keys (org, created_at);
-- +goose StatementEnd
