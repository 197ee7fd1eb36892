# The command line on SQLite: every verb and every failure exit.

step "command line: every verb"
db=$work/new/tier2.db
expect 0 "$tier2" --help
for verb in init maintain verify import recent agents stages slo collisions sessions audit memory drift report export copy backup archive restore seal prove keygen version completion; do expect 0 "$tier2" "$verb" --help; done
expect 0 "$tier2" import receipts --help
expect 0 "$tier2" import tables --help
expect 0 "$tier2" import ggen-log --help
expect 0 "$tier2" init "$db"
expect 0 "$tier2" init "$db"
expect 0 "$tier2" verify "$db"
expect 0 "$tier2" maintain "$db"
expect 0 "$tier2" --db "$db" import receipts "$receipt"
expect 0 "$tier2" --db "$db" import receipts "$receipt"
expect 0 "$tier2" --db "$db" recent
[[ $out == *ci-1* ]] || fail "recent does not show the imported execution: $out"
expect 0 "$tier2" --db "$db" --json recent
expect 0 "$tier2" --db "$db" drift --since 7d
expect 0 "$tier2" --db "$db" --json drift
expect 0 "$tier2" --db "$work/drift.db" import receipts - <"$drift"
expect 1 "$tier2" --db "$work/drift.db" drift
[[ $out == *main.rs*drift-2*drift-1* ]] || fail "drift does not show who disagrees: $out"
logged "$work/log.db"
expect 0 "$tier2" verify --audit "$work/log.db"
expect 0 "$tier2" --db "$work/drift.db" report --out "$work/report.html"
expect 0 "$tier2" --db "$work/drift.db" report --out "$work/report.html" --since 2026-01-29 --agent ci --title "ci <b>"
grep -q "<title>ci &lt;b&gt;</title>" "$work/report.html" && grep -q drift-2 "$work/report.html" || fail "the report does not show its title and the drift"
[ "$(stat -c %s "$work/report.html")" -lt 2000000 ] || fail "the report is not below 2 MB"
expect 0 "$tier2" --db "$work/drift.db" report --out - --until 2026-01-29
[[ $out == "<!DOCTYPE html>"* ]] || fail "report --out - does not print the page"
expect 0 "$tier2" --db "$work/drift.db" report --json
[[ $out == *'"executions": 2,'* ]] || fail "report --json does not count the executions: $out"
expect 0 "$tier2" --db "$db" backup --to "$work/backups/1.db"
expect 0 "$tier2" verify "$work/backups/1.db"
expect 1 "$tier2" --db "$db" backup --json --to "$work/backups/1.db"
expect 0 "$tier2" --db "$db" backup --json --to "$work/backups/2.db"
[ "$(ls "$work/backups")" = $'1.db\n2.db' ] || fail "backup left something: $(ls "$work/backups")"
expect 0 "$tier2" version
expect 0 "$tier2" version --json
for shell in bash zsh fish powershell; do expect 0 "$tier2" completion "$shell"; done
"$tier2" completion bash | bash -n || fail "bash does not read its completion"

reading "$db"
rows=$(sqlite3 "$db" "SELECT count(*) FROM recent_executions WHERE audit_entries > 0")
[ "$rows" = 1 ] || fail "sqlite3 sees $rows executions instead of 1"

step "command line: the audit log proves itself"
key=$work/tier2.key anchor=$work/anchor
expect 0 "$tier2" keygen ggen-ci --out "$key"
public=$out
expect 0 "$tier2" keygen ggen-ci --out "$work/other.key"
other=$out
expect 2 "$tier2" keygen "a b" --out "$work/bad.key"
expect 3 "$tier2" keygen ggen-ci --out "$key"

archived "$db" "$work/archive.db" "$work/drift.db"
exported "$db" "$work/export"
audit "$db"
cp "$db" "$work/tampered.db"
sqlite3 "$work/tampered.db" "DROP TRIGGER tier2_audit_log_update; UPDATE audit_log SET agent_id = 'eve' WHERE id = 1"
tampered "$work/tampered.db"

step "command line: every failure exit"
echo '{"receipt":' >"$work/bad.json"
head -c 8192 /dev/urandom >"$work/not-a.db"
expect 2 "$tier2" nonsense
expect 2 "$tier2" verify --nonsense
expect 2 "$tier2" import receipts
expect 2 "$tier2" --db "$db" backup
expect 2 "$tier2" --db "$db" backup --to "$db"
expect 2 "$tier2" drift --since yesterday
expect 2 "$tier2" drift --operation nonsense
expect 2 "$tier2" --db "$db" report
expect 2 "$tier2" --db "$db" report --out "$db"
expect 2 "$tier2" --db "$db" report --out - --since yesterday
expect 1 "$tier2" --db "$db" report --out "$receipt" # not a page
expect 3 "$tier2" --db "$db" report --out "$work"
expect 3 "$tier2" --db "$db" report --out "$work/missing/report.html"
expect 3 "$tier2" --db "$work/missing.db" report --out -
expect 2 "$tier2" import receipts --map nonsense "$receipt"
for verb in recent agents stages slo collisions sessions audit "audit --follow" memory; do
  # shellcheck disable=SC2086
  expect 3 "$tier2" --db "$work/missing.db" $verb
done
expect 0 "$tier2" __complete --db "$work/missing.db" recent --agent ""
[ ! -e "$work/missing.db" ] || fail "a verb that only reads made the file"
# When the reader of its output exits, the command ends by SIGPIPE, silently, as other programs do.
exec 4> >(exit)
wait $!
code=0
"$tier2" --db "$db" recent >&4 2>"$work/stderr" || code=$?
exec 4>&-
[ "$code" = 141 ] && [ ! -s "$work/stderr" ] || fail "exit $code, and $(cat "$work/stderr"), of a closed pipe"
expect 3 "$tier2" --db "$work/missing.db" drift
expect 3 "$tier2" --db "$work/missing.db" export --to "$work/x"
expect 3 "$tier2" --db "$work/missing.db" backup --to "$work/backups/3.db"
expect 3 "$tier2" --db "$db" backup --to "$receipt/3.db"
expect 3 "$tier2" maintain "$work/missing.db"
expect 3 "$tier2" seal "$work/missing.db"
expect 3 "$tier2" --db "$work/missing.db" archive --before 90d --to "$work/other.db" --yes
expect 3 "$tier2" --db "$work/missing.db" restore --from "$work/archive.db" --yes
expect 3 "$tier2" prove 1 "$work/missing.db"
expect fail "$tier2" verify "$work/missing.db"
[ ! -e "$work/missing.db" ] || fail "verify made the file it was asked to check"
expect fail "$tier2" verify "$work/not-a.db"
expect 1 "$tier2" --db "$db" import receipts "$work/bad.json"
expect 1 "$tier2" --db "$db" import receipts "$work/bad.json" "$receipt"
sed 's/120/121/' "$receipt" >"$work/changed.json"
expect 1 "$tier2" --db "$db" import receipts "$work/changed.json"
expect 0 "$tier2" verify "$db"
sqlite3 "$db" "DROP INDEX idx_receipts_status"
expect 1 "$tier2" verify "$db"
[[ $out == *idx_receipts_status* ]] || fail "verify does not name the missing index: $out"
expect 1 "$tier2" --db "$db" backup --to "$work/backups/3.db"
[ ! -e "$work/backups/3.db" ] || fail "backup kept the copy of an unsound database"
