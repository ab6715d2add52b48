-- +goose Up
-- +goose StatementBegin
-- A second wall between organizations. It does not concern the tables' owner.
-- Whatever is done for one organization is done by a role that is admitted below.
-- That role sees, and may write, the rows of the organization that the setting
-- eventflow.org names.

-- Puts the wall around a table in which a column names the organization.
create function eventflow_wall(of_table text, column_name text) returns void language plpgsql as $$
begin
	execute format('create policy tenant on %I using (%I = (select current_setting(''eventflow.org'', true)))', of_table, column_name);
	execute format('alter table %I enable row level security', of_table);
end $$;

select eventflow_wall('organizations', 'id');
select eventflow_wall(name, 'org') from unnest(array['streams', 'api_keys', 'consumer_groups', 'dead_letters', 'replays', 'users', 'sessions', 'tickets']) name;

create policy tenant on group_progress using ((select org from consumer_groups where id = group_id) = (select current_setting('eventflow.org', true)));
alter table group_progress enable row level security;
create policy tenant on delivery_attempts using ((select org from consumer_groups where id = group_id) = (select current_setting('eventflow.org', true)));
alter table delivery_attempts enable row level security;

-- Lets a role work for one organization at a time.
create function eventflow_admit_to_catalog(worker text) returns void language plpgsql as $$
begin
	execute format('grant usage on schema %I to %I', current_schema(), worker);
	execute format('grant select, insert, update, delete on organizations, streams, api_keys, consumer_groups, group_progress,
		delivery_attempts, dead_letters, replays, users, sessions, tickets to %I', worker);
end $$;
-- +goose StatementEnd
