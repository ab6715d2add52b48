-- +goose Up
-- +goose StatementBegin
-- 1 where the group is a processor's.
alter table consumer_groups add column processor integer not null default 0;

-- What the server itself does with the events of a group. The rest of it is the group.
create table processors (
	id            text collate "C" primary key references consumer_groups (id) on delete cascade,
	org           text not null,
	stream        text not null,
	state         text not null,
	failing_since bigint,
	attempts      bigint not null default 0, -- how many deliveries are kept, at most
	created_by    text not null,             -- a user or a key, or empty
	document      text not null,             -- JSON: filter, transform, destination, reason
	secrets       bytea                      -- of the destination, encrypted
);

create index processors_org on processors (org, id);
create index processors_running on processors (id) where state = 'running';

-- Attempts to send an event, for people to look at.
create table deliveries (
	id        text collate "C" primary key,
	org       text not null,
	processor text collate "C" not null references processors (id) on delete cascade,
	at        bigint not null,
	outcome   text not null,
	document  text not null -- JSON
);

create index deliveries_processor on deliveries (processor, id desc);
create index deliveries_at on deliveries (at);

-- What a processor did in each hour.
create table delivery_counts (
	processor text collate "C" not null references processors (id) on delete cascade,
	hour      bigint not null, -- its beginning, in microseconds since 1970
	delivered bigint not null,
	filtered  bigint not null,
	failed    bigint not null,
	latency   bigint not null, -- microseconds, of all of them together
	primary key (processor, hour)
) with (fillfactor = 70); -- the hour that it is, is updated all the time

create index delivery_counts_hour on delivery_counts (hour);

select eventflow_wall(name, 'org') from unnest(array['processors', 'deliveries']) name;

create policy tenant on delivery_counts using
	((select org from processors where processors.id = delivery_counts.processor) = (select current_setting('eventflow.org', true)));
alter table delivery_counts enable row level security;

create or replace function eventflow_admit_to_catalog(worker text) returns void language plpgsql as $$
begin
	execute format('grant usage on schema %I to %I', current_schema(), worker);
	execute format('grant select, insert, update, delete on organizations, streams, api_keys, consumer_groups, group_progress,
		delivery_attempts, dead_letters, replays, users, sessions, tickets, processors, deliveries, delivery_counts to %I', worker);
end $$;
-- +goose StatementEnd
