create table if not exists "sessions_revocations_keyed" (
  row_id integer primary key,
  namespace text not null,
  user_id text not null,
  except_id text,
  revoked_at integer not null
);

insert into "sessions_revocations_keyed" (namespace, user_id, except_id, revoked_at) select namespace, user_id, except_id, revoked_at from "sessions_revocations";

drop table "sessions_revocations";

alter table "sessions_revocations_keyed" rename to "sessions_revocations";

create index if not exists "sessions_revocations_user" on "sessions_revocations" (user_id, revoked_at);

create index if not exists "sessions_revocations_at" on "sessions_revocations" (revoked_at);
