set @effect_session = if(exists(select 1 from information_schema.statistics where table_schema = database() and table_name = 'sessions_revocations' and index_name = 'PRIMARY'), 'do 0', 'alter table `sessions_revocations` add column row_id bigint not null auto_increment primary key');
prepare effect_session from @effect_session;
execute effect_session;
deallocate prepare effect_session;
