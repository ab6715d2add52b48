-- +goose Up
-- +goose StatementBegin
alter table api_keys add column kind text not null default 'api_key';
alter table api_keys add column default_stream text not null default ''; -- an id, or empty
alter table api_keys add column per_minute integer not null default 0;   -- this and the next: 0 is the server's
alter table api_keys add column per_second integer not null default 0;
alter table api_keys add column created_by text not null default '';     -- a user or a key; empty is who operates the server
alter table api_keys add column last_used_at integer;
alter table api_keys add column rotated_at integer;
alter table api_keys add column previous_hash blob; -- good until the time below
alter table api_keys add column previous_valid_until integer;

create index api_keys_previous on api_keys (previous_hash) where previous_hash is not null;
-- +goose StatementEnd
