-- +goose Up
-- +goose StatementBegin
-- How the nodes get on with sources that fetch: one row for each of them and each source.
create table feed_notes (
	source   text not null references sources (id) on delete cascade,
	node     text not null,
	at       bigint not null,
	document text not null, -- JSON
	primary key (source, node)
);

create index sources_preset on sources (preset, id);

create policy tenant on feed_notes using
	((select org from sources where sources.id = feed_notes.source) = (select current_setting('eventflow.org', true)));
alter table feed_notes enable row level security;
-- +goose StatementEnd
