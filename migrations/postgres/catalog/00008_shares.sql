-- +goose Up
-- +goose StatementBegin
-- What an organization may take of the installation, as JSON. A share that is not named
-- is bounded by the server's settings.
alter table organizations add column shares text not null default '{}';

-- Replays are listed, and those that run are counted, by organization.
create index replays_org on replays (org, id);
-- +goose StatementEnd
