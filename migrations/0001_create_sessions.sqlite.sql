create table if not exists "sessions" (
  row_id integer primary key,
  id text not null unique,
  namespace text not null,
  user_id text,
  ip_address text,
  user_agent text,
  payload text not null,
  created_at integer not null,
  last_activity integer not null,
  expires_at integer not null,
  ended_at integer,
  version integer not null,
  previous_id text,
  previous_kind text,
  previous_until integer,
  previous_token text,
  expires_hour integer generated always as (expires_at / 3600000) virtual
);

create index if not exists "sessions_user_id" on "sessions" (user_id, row_id) where user_id is not null;

create index if not exists "sessions_previous_id" on "sessions" (previous_id) where previous_id is not null;

create index if not exists "sessions_ended_at" on "sessions" (ended_at, expires_hour, row_id, namespace, user_id);

create index if not exists "sessions_previous_token" on "sessions" (previous_until) where previous_token is not null;

create table if not exists "sessions_revocations" (
  row_id integer primary key,
  namespace text not null,
  user_id text not null,
  except_id text,
  revoked_at integer not null
);

create index if not exists "sessions_revocations_user" on "sessions_revocations" (user_id, revoked_at);

create index if not exists "sessions_revocations_at" on "sessions_revocations" (revoked_at);
