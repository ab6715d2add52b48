-- +goose Up
-- +goose StatementBegin
-- What of an event is its key, in a shared group: events of one key go out in order.
-- Empty is no order.
alter table consumer_groups add column ordering_key text not null default '';
-- +goose StatementEnd
