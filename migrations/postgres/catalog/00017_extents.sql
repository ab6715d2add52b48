-- +goose Up
-- How far each shard of a store has come, so that an engine that lost the end of its log
-- is found out. The name begins as that of what belongs to one engine only: it is neither
-- copied nor backed up.
create table eventflow_extents (
	store text not null,
	shard integer not null,
	reached bigint not null,
	primary key (store, shard)
);
