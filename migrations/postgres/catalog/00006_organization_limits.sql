-- +goose Up
-- +goose StatementBegin
-- The rate limit of each key and of each person of an organization. 0 stands for the
-- limit in the server's settings.
alter table organizations add column key_per_minute integer not null default 0;
alter table organizations add column key_per_second integer not null default 0;
alter table organizations add column user_per_minute integer not null default 0;
alter table organizations add column user_per_second integer not null default 0;

-- Organizations are listed by name, in the order of the bytes.
alter table organizations alter column name type text collate "C";
-- +goose StatementEnd
