-- +goose Up
-- +goose StatementBegin
-- Addresses at which senders put events in.
create table sources (
	id         text collate "C" primary key,
	org        text not null,
	stream     text not null,
	name       text not null,
	preset     text not null,
	settings   text not null, -- JSON
	state      text not null,
	masked     text not null,
	hash       bytea not null, -- of the address
	sealed     bytea not null, -- the secrets, encrypted
	created_by text not null, -- a user or a key, or empty
	revision   bigint not null,
	created_at bigint not null,
	updated_at bigint not null
);

create unique index sources_name on sources (org, name);
create unique index sources_hash on sources (hash);

-- What was kept out of the streams, the newest of each source.
create table source_refusals (
	id       text collate "C" primary key,
	source   text not null references sources (id) on delete cascade,
	document text not null -- JSON
);

create index source_refusals_source on source_refusals (source, id);

select eventflow_wall('sources', 'org');

create policy tenant on source_refusals using
	((select org from sources where sources.id = source_refusals.source) = (select current_setting('eventflow.org', true)));
alter table source_refusals enable row level security;

create or replace function eventflow_admit_to_catalog(worker text) returns void language plpgsql as $$
begin
	execute format('grant usage on schema %I to %I', current_schema(), worker);
	execute format('grant select, insert, update, delete on organizations, streams, api_keys, consumer_groups, group_progress,
		delivery_attempts, dead_letters, replays, users, sessions, tickets, processors, deliveries, delivery_counts, sources,
		source_refusals to %I', worker);
end $$;
-- +goose StatementEnd
