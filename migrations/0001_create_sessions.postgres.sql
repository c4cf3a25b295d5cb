create table if not exists "sessions" (
  id text collate "C" primary key,
  namespace text collate "C" not null,
  user_id text collate "C",
  ip_address varchar(45),
  user_agent text,
  payload text not null,
  created_at bigint not null,
  last_activity bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  version integer not null,
  previous_id text collate "C",
  previous_kind text,
  previous_until bigint,
  previous_token text,
  expires_hour bigint generated always as (expires_at / 3600000) stored,
  row_id bigserial not null
) with (fillfactor = 75);

create index if not exists "sessions_row_id" on "sessions" (row_id);

create index if not exists "sessions_user_id" on "sessions" (user_id, row_id) where user_id is not null;

create index if not exists "sessions_previous_id" on "sessions" (previous_id) where previous_id is not null;

create index if not exists "sessions_ended_at" on "sessions" (ended_at, expires_hour, row_id, namespace, user_id);

create index if not exists "sessions_previous_token" on "sessions" (previous_until) where previous_token is not null;

create table if not exists "sessions_revocations" (
  namespace text collate "C" not null,
  user_id text collate "C" not null,
  except_id text collate "C",
  revoked_at bigint not null
);

create index if not exists "sessions_revocations_user" on "sessions_revocations" (user_id, revoked_at);

create index if not exists "sessions_revocations_at" on "sessions_revocations" (revoked_at);
