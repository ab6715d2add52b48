-- +goose Up
-- +goose StatementBegin
-- What each key and each person of an organization is limited to; 0 is the server's.
alter table organizations add column key_per_minute integer not null default 0;
alter table organizations add column key_per_second integer not null default 0;
alter table organizations add column user_per_minute integer not null default 0;
alter table organizations add column user_per_second integer not null default 0;
-- +goose StatementEnd
