-- +goose Up
-- +goose StatementBegin
-- How the nodes get on with sources that fetch: one row for each of them and each source.
create table feed_notes (
	source   text not null references sources (id) on delete cascade,
	node     text not null,
	at       integer not null,
	document text not null, -- JSON
	primary key (source, node)
) strict, without rowid;

create index sources_preset on sources (preset, id);
-- +goose StatementEnd
