-- +goose Up
-- +goose StatementBegin
create table users (
	id            text primary key,
	org           text not null references organizations (id),
	email         text not null unique, -- in lower case
	name          text not null,
	role          text not null,
	state         text not null,
	password_hash text not null, -- with salt and costs, or empty
	revision      integer not null,
	created_at    integer not null,
	updated_at    integer not null,
	last_login_at integer
) strict;

create index users_org on users (org, email);

create table sessions (
	id         text primary key,
	org        text not null references organizations (id),
	user_id    text not null references users (id) on delete cascade,
	generation integer not null,
	rotated_at integer not null,
	created_at integer not null,
	expires_at integer not null,
	revoked_at integer,
	address    text not null,
	user_agent text not null
) strict;

create index sessions_user on sessions (user_id);
create index sessions_expires on sessions (expires_at);

create table tickets (
	id         text primary key,
	kind       text not null,
	org        text not null references organizations (id),
	user_id    text references users (id) on delete cascade, -- null for a set-up
	hash       blob not null unique,
	created_at integer not null,
	expires_at integer not null,
	used_at    integer
) strict;

create index tickets_expires on tickets (expires_at);
-- +goose StatementEnd
