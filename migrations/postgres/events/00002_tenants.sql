-- +goose Up
-- +goose StatementBegin
-- A second wall between organizations. It does not concern the tables' owner, who
-- writes by COPY. Whatever is read for one organization is read by a role that is
-- admitted below. That role sees the rows of the organization that the setting
-- eventflow.org names.
--
-- The policies compare by `is not distinct from`, for which PostgreSQL uses no
-- index. With `=` a plan could go by organization, and read all that the
-- organization has to find one page of it. The setting is read in a sub-select,
-- which is evaluated once for a query and not once for a row.
create policy tenant on heads using (org is not distinct from (select nullif(current_setting('eventflow.org', true), '')::uuid));
alter table heads enable row level security;
create policy tenant on segments using ((select org from heads where heads.stream = segments.stream)
	is not distinct from (select nullif(current_setting('eventflow.org', true), '')::uuid));
alter table segments enable row level security;
create policy tenant on events using (org is not distinct from (select nullif(current_setting('eventflow.org', true), '')::uuid));
alter table events enable row level security;
alter table event_keys enable row level security; -- the owner's alone

-- Puts the wall around a partition. It needs a policy and rights of its own,
-- because the server reads it by its name: those of `events` would not count.
create function eventflow_wall_partition(part regclass) returns void language plpgsql as $$
declare
	reader text;
begin
	execute format('create policy tenant on %s using (org is not distinct from (select nullif(current_setting(''eventflow.org'', true), '''')::uuid))', part);
	execute format('alter table %s enable row level security', part);
	for reader in
		select quote_ident(rolname) from pg_class, aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
		where pg_class.oid = to_regclass('events') and privilege_type = 'SELECT' and grantee <> relowner
	loop
		execute format('grant select on %s to %s', part, reader);
	end loop;
end $$;

select eventflow_wall_partition(inhrelid::regclass) from pg_inherits where inhparent = to_regclass('events');

-- Makes room for a day's events as before, now with the wall around it.
create or replace function eventflow_partition(of_day integer) returns void language plpgsql as $$
declare
	name text := 'events_' || to_char('1970-01-01'::date + of_day, 'YYYYMMDD');
begin
	perform pg_advisory_xact_lock(hashtextextended('eventflow_partition ' || current_schema(), of_day));
	if to_regclass(quote_ident(name)) is not null then
		return;
	end if;
	execute format('create table %I (like events including defaults)', name);
	execute format('create unique index on %I (stream, "offset")', name);
	-- Events of one commit share received_at, so this index stays small.
	execute format('create index on %I (org, received_at)', name);
	perform eventflow_wall_partition(to_regclass(quote_ident(name)));
	execute format('alter table events attach partition %I for values in (%s)', name, of_day);
end $$;

-- Lets a role read the events of one organization at a time.
create function eventflow_admit_to_events(reader text) returns void language plpgsql as $$
declare
	part regclass;
begin
	execute format('grant usage on schema %I to %I', current_schema(), reader);
	execute format('grant select on heads, segments, events to %I', reader);
	for part in select inhrelid::regclass from pg_inherits where inhparent = to_regclass('events') loop
		execute format('grant select on %s to %I', part, reader);
	end loop;
end $$;
-- +goose StatementEnd
