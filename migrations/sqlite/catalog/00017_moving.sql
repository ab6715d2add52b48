-- +goose Up
-- The few streams that are being moved are looked for every half minute.
create index streams_moving on streams (id) where moving <> '';
