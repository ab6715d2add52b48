-- +goose Up
-- +goose StatementBegin
-- An address is one user's in each organization, and a name may be several
-- organizations'.
alter table organizations drop constraint organizations_name_key;
create index organizations_name on organizations (name);

alter table users drop constraint users_email_key;
alter table users add column signed_out_at bigint; -- no session begun until then is switched to the user
drop index users_org;
create unique index users_org on users (org, email);
create index users_email on users (email);
-- +goose StatementEnd
