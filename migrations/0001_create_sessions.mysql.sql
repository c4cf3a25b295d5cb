create table if not exists `sessions` (
  id varchar(40) not null,
  namespace varbinary(255) not null,
  user_id varbinary(255),
  ip_address varchar(45),
  user_agent varchar(512),
  payload longtext not null,
  created_at bigint not null,
  last_activity bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  version integer not null,
  previous_id varchar(40),
  previous_kind varchar(10),
  previous_until bigint,
  previous_token varchar(512),
  expires_hour bigint generated always as (expires_at div 3600000) stored,
  row_id bigint not null auto_increment,
  primary key (row_id),
  unique key id (id),
  key user_id (user_id, row_id),
  key previous_id (previous_id),
  key ended_at (ended_at, expires_hour, row_id, namespace, user_id),
  key previous_token (previous_token(1), previous_until)
) character set utf8mb4 collate utf8mb4_bin;

create table if not exists `sessions_revocations` (
  namespace varbinary(255) not null,
  user_id varbinary(255) not null,
  except_id varchar(40),
  revoked_at bigint not null,
  row_id bigint not null auto_increment,
  primary key (row_id),
  key user_id (user_id, revoked_at),
  key revoked_at (revoked_at)
) character set utf8mb4 collate utf8mb4_bin;
