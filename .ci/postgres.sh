# The command line on PostgreSQL. It uses the databases that sqlite.sh left.

step "command line: every verb on PostgreSQL"
schema=ci_$$
pg "CREATE SCHEMA $schema"
url="$TIER2_TEST_POSTGRES?search_path=$schema"
expect 3 "$tier2" --db "$url" recent
expect 3 "$tier2" --db "$url" drift
expect 1 "$tier2" verify "$url"
expect 0 "$tier2" init "$url"
expect 0 "$tier2" init "$url"
expect 0 "$tier2" --db "$url" import receipts "$receipt"
expect 0 "$tier2" --db "$url" import receipts "$receipt"
expect 1 "$tier2" --db "$url" import receipts "$work/changed.json"
expect 0 "$tier2" --db "$url" recent
[[ $out == *ci-1* ]] || fail "recent does not show the imported execution: $out"
reading "$url"
expect 0 "$tier2" --db "$url" drift
expect 0 "$tier2" --db "$url" import receipts - <"$drift"
expect 1 "$tier2" --db "$url" drift --json
expect 0 "$tier2" --db "$url" report --out "$work/report-pg.html"
grep -q drift-2 "$work/report-pg.html" || fail "the report does not show the drift"
expect 0 "$tier2" --db "$url" report --json
[[ $out == *'"database": "postgres://'* ]] || fail "the report does not name the database: $out"
expect 1 "$tier2" --db "$url" report --out "$receipt"
pg "CREATE SCHEMA ${schema}_log"
logged "$TIER2_TEST_POSTGRES?search_path=${schema}_log"
pg "DROP SCHEMA ${schema}_log CASCADE"
expect 0 "$tier2" --json verify "$url"
expect 2 "$tier2" --db "$url" backup --to "$work/backups/3.db"
[[ $out == *pg_dump* ]] || fail "backup does not say what does it on PostgreSQL: $out"
expect 0 "$tier2" copy --from "$url" --to "$work/copy.db"
expect 0 "$tier2" copy --json --from "$work/copy.db" --to "$url"
expect 0 "$tier2" verify "$work/copy.db"
sed 's/ci-1/ci-2/' "$receipt" >"$work/second.json"
expect 0 "$tier2" --db "$work/copy.db" import receipts "$work/second.json"
expect 0 "$tier2" copy --from "$work/copy.db" --to "$url"
expect 0 "$tier2" verify "$url"
expect 0 "$tier2" maintain "$url"
expect 1 "$tier2" copy --from "$url" --to "$db" # it has other entries
[[ $out == *audit_log* || $out == *receipts* || $out == *agent_memory* ]] || fail "copy does not name the table: $out"
expect 1 "$tier2" copy --from "$url" --to "$url"
expect 2 "$tier2" copy --from "$url"
expect 3 "$tier2" copy --from "$work/missing.db" --to "$work/other.db"
[ ! -e "$work/missing.db" ] && [ ! -e "$work/other.db" ] || fail "copy made a file"
archived "$url" "$work/archive-pg.db" "$work/drift.db"
exported "$url" "$work/export-pg"
audit "$url"
pg "ALTER TABLE $schema.audit_log DISABLE TRIGGER USER; UPDATE $schema.audit_log SET agent_id = 'eve' WHERE id = 1; ALTER TABLE $schema.audit_log ENABLE TRIGGER USER"
tampered "$url"
pg "DROP INDEX $schema.idx_receipts_status"
expect 1 "$tier2" verify "$url"
[[ $out == *idx_receipts_status* ]] || fail "verify does not name the missing index: $out"
pg "DROP SCHEMA $schema CASCADE"
for verb in init maintain verify recent agents stages slo collisions sessions audit "audit --follow" memory drift "report --out -" seal "prove 1" "import receipts $receipt" "import ggen-log --agent ci $log" "export --to $work/x" "import tables $work/export-csv" "archive --before 90d --to $work/x.db --yes" "restore --from $work/archive.db --yes"; do
  # shellcheck disable=SC2086
  expect 3 "$tier2" --db postgres://u:hunter2@127.0.0.1:1/db $verb
  [[ $out != *hunter2* ]] || fail "$verb shows the password: $out"
done
