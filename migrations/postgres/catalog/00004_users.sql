-- +goose Up
-- +goose StatementBegin
create table users (
	id            text collate "C" primary key,
	org           text not null references organizations (id),
	email         text collate "C" not null unique, -- in lower case
	name          text not null,
	role          text not null,
	state         text not null,
	password_hash text not null, -- with salt and costs, or empty
	revision      bigint not null,
	created_at    bigint not null,
	updated_at    bigint not null,
	last_login_at bigint
);

create index users_org on users (org, email);

create table sessions (
	id         text collate "C" primary key,
	org        text not null references organizations (id),
	user_id    text not null references users (id) on delete cascade,
	generation bigint not null,
	rotated_at bigint not null,
	created_at bigint not null,
	expires_at bigint not null,
	revoked_at bigint,
	address    text not null,
	user_agent text not null
);

create index sessions_user on sessions (user_id);
create index sessions_expires on sessions (expires_at);

create table tickets (
	id         text collate "C" primary key,
	kind       text not null,
	org        text not null references organizations (id),
	user_id    text references users (id) on delete cascade, -- null for a set-up
	hash       bytea not null unique,
	created_at bigint not null,
	expires_at bigint not null,
	used_at    bigint
);

create index tickets_expires on tickets (expires_at);
-- +goose StatementEnd
