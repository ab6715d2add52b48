-- +goose Up
-- +goose StatementBegin
-- What becomes of an event that does not fit, how many versions of schemas there are, and
-- how many events were taken that did not fit.
alter table streams add column enforcement text not null default '';
alter table streams add column schema_versions integer not null default 0;
alter table streams add column reported integer not null default 0;

-- The schemas of types of events. They never change.
create table schema_versions (
	id            text primary key,
	org           text not null,
	stream        text not null,
	event_type    text not null,
	version       integer not null,
	schema        text not null, -- JSON
	compatibility text not null,
	created_at    integer not null,
	created_by    text not null
) strict;

create unique index schema_versions_type on schema_versions (stream, event_type, version);

-- Events that did not fit.
create table quarantine (
	id              text primary key,
	org             text not null,
	stream          text not null,
	event_type      text not null,
	received_at     integer not null,
	idempotency_key text not null,
	reasons         text not null, -- JSON
	event           text not null, -- JSON, without what follows
	context         text not null,
	payload         text not null
) strict;

create index quarantine_stream on quarantine (stream, id);
create index quarantine_org on quarantine (org, stream);
create unique index quarantine_key on quarantine (stream, idempotency_key) where idempotency_key <> '';
-- +goose StatementEnd
