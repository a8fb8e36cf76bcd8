/** Built-in functions of MySQL, PostgreSQL, SQL Server, Oracle and SQLite; a word of these counts only before a parenthesis. */
export const CALLS: ReadonlySet<string> = wordSet('sleep benchmark concat concat_ws group_concat char chr nchar ascii ord hex unhex substr substring mid cast convert load_file count version database user current_user session_user system_user ' +
  'schema schema_name user_name suser_name db_name host_name extractvalue updatexml if iif ifnull nullif isnull nvl coalesce greatest least elt make_set export_set field md5 sha sha1 sha2 length len char_length ' +
  'character_length bit_length octet_length lower upper lcase ucase ltrim rtrim trim lpad rpad left right instr locate position charindex patindex reverse repeat replicate replace strcmp conv bin oct row_count found_rows ' +
  'last_insert_id now sysdate curdate curtime getdate floor ceiling ceil rand random round exp pow power abs sin cos tan asin acos atan cot ln log log2 log10 sqrt sign degrees radians pi min max sum avg ' +
  'json_keys json_extract json_search json_array json_valid json json_object json_length randomblob zeroblob quote typeof likely unlikely likelihood string_agg array_agg unnest xmltype name_const pg_sleep ' +
  'compress uncompress encode decode aes_encrypt aes_decrypt des_encrypt password old_password encrypt openrowset opendatasource openquery analyse interval bool_and unistr overlay lo_get lo_import lo_export ' +
  'rtrim space format stuff str soundex difference unicode quotename object_id object_name col_name columns values value connection_id benchmark inet_aton inet_ntoa uuid is_srvrolemember serverproperty sqlite_version ' +
  'glob printf total changes last_insert_rowid hex to_char to_number to_date translate rawtohex chartorowid userenv sys_context get_lock release_lock master_pos_wait query_to_xml database_to_xml ' +
  'table_to_xml xpath_exists xmlparse regexp_replace regexp_substr regexp_like stddev variance var_pop date_add date_sub datediff dateadd datepart tidb_version dbms_pipe convert_tz current_database load_extension starts_with array_position procedure all mod div ' +
  'gtid_subset gtid_subtract bitand bitor nvl2 st_latfromgeohash st_longfromgeohash st_pointfromgeohash geometrycollection linestring multilinestring multipolygon multipoint polygon json_type json_depth json_quote json_unquote ' +
  'uuid_to_bin bin_to_uuid unicode checksum host_id suser_sname is_member has_dbaccess db_id object_definition parsename app_name original_login pg_ls_dir pg_read_binary_file pg_stat_file current_setting set_config inet_server_addr ' +
  'quote_literal quote_ident regexp_matches regexp_split_to_array array_to_string string_to_array generate_series txid_current dbms_random dbms_metadata listagg wm_concat ora_hash dump vsize instrb lengthb sqlite_compileoption_get')

/** Functions that make the database wait. */
export const DELAYS: ReadonlySet<string> = wordSet('pg_sleep benchmark dbms_lock dbms_pipe randomblob')

/** Functions that hardly stand in anything but an injection. */
export const LEAKS: ReadonlySet<string> = wordSet('extractvalue updatexml load_file name_const xmltype openrowset opendatasource openquery pg_sleep benchmark group_concat json_keys make_set elt randomblob ' +
  'lo_get lo_import lo_export procedure is_srvrolemember serverproperty pg_read_file sys_context query_to_xml database_to_xml unistr concat_ws db_name load_extension')

export function isKnownCall (word: string): boolean {
  return CALLS.has(word)
}

export function wordSet (words: string): ReadonlySet<string> {
  return new Set(words.split(' '))
}
