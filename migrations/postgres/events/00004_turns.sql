-- +goose Up
-- The highest turn of a move that a stream has seen here. A move of a lower one was overtaken.
alter table heads add column fence_turn bigint not null default 0;
