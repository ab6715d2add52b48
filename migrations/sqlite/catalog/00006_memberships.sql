-- +goose Up
-- +goose StatementBegin
-- An address is one user's in each organization, and a name may be several
-- organizations'. SQLite cannot drop a unique constraint, so the tables are made anew.
-- Others refer to them meanwhile: what they refer to must be there at the end.
pragma defer_foreign_keys = on;

create table kept_organizations as select * from organizations;
drop table organizations;
create table organizations (
	id              text primary key,
	name            text not null,
	created_at      integer not null, -- microseconds since 1970
	key_per_minute  integer not null default 0, -- this and the next: 0 is the server's
	key_per_second  integer not null default 0,
	user_per_minute integer not null default 0,
	user_per_second integer not null default 0
) strict;
insert into organizations (id, name, created_at, key_per_minute, key_per_second, user_per_minute, user_per_second)
	select id, name, created_at, key_per_minute, key_per_second, user_per_minute, user_per_second from kept_organizations;
drop table kept_organizations;
create index organizations_name on organizations (name);

create table kept_users as select * from users;
create table kept_sessions as select * from sessions;
create table kept_tickets as select * from tickets;
delete from tickets;
delete from sessions;
drop table users;
create table users (
	id            text primary key,
	org           text not null references organizations (id),
	email         text not null, -- in lower case
	name          text not null,
	role          text not null,
	state         text not null,
	password_hash text not null, -- with salt and costs, or empty; users of one address share the salt
	revision      integer not null,
	created_at    integer not null,
	updated_at    integer not null,
	last_login_at integer,
	signed_out_at integer -- no session begun until then is switched to the user
) strict;
insert into users (id, org, email, name, role, state, password_hash, revision, created_at, updated_at, last_login_at)
	select id, org, email, name, role, state, password_hash, revision, created_at, updated_at, last_login_at from kept_users;
insert into sessions select * from kept_sessions;
insert into tickets select * from kept_tickets;
drop table kept_users;
drop table kept_sessions;
drop table kept_tickets;
create unique index users_org on users (org, email);
create index users_email on users (email);
-- +goose StatementEnd
