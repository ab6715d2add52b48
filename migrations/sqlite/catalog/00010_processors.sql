-- +goose Up
-- +goose StatementBegin
-- 1 where the group is a processor's.
alter table consumer_groups add column processor integer not null default 0;

-- What the server itself does with the events of a group. The rest of it is the group.
create table processors (
	id            text primary key references consumer_groups (id) on delete cascade,
	org           text not null,
	stream        text not null,
	state         text not null,
	failing_since integer,
	attempts      integer not null default 0, -- how many deliveries are kept, at most
	created_by    text not null,              -- a user or a key, or empty
	document      text not null,              -- JSON: filter, transform, destination, reason
	secrets       blob                        -- of the destination, encrypted
) strict;

create index processors_org on processors (org, id);
create index processors_running on processors (id) where state = 'running';

-- Attempts to send an event, for people to look at.
create table deliveries (
	id        text primary key,
	org       text not null,
	processor text not null references processors (id) on delete cascade,
	at        integer not null,
	outcome   text not null,
	document  text not null -- JSON
) strict;

create index deliveries_processor on deliveries (processor, id desc);
create index deliveries_at on deliveries (at);

-- What a processor did in each hour.
create table delivery_counts (
	processor text not null references processors (id) on delete cascade,
	hour      integer not null, -- its beginning, in microseconds since 1970
	delivered integer not null,
	filtered  integer not null,
	failed    integer not null,
	latency   integer not null, -- microseconds, of all of them together
	primary key (processor, hour)
) strict, without rowid;

create index delivery_counts_hour on delivery_counts (hour);
-- +goose StatementEnd
