# The checks of the verbs that hold on both engines: one function per group of verbs, with the
# failure exits of the group. The first argument is the database.

tier2=$work/tier2
receipt=$work/receipt.json
cat >"$receipt" <<'JSON'
{"receipt":{"execution_id":"ci-1","agent_id":"ci","operation":"generation","status":"passed",
"timestamp":"2026-01-29T12:34:56Z","total_duration_ms":120,
"pipeline_stages":{"μ₁_normalize":{"status":"completed","duration_ms":20}}}}
JSON
drift=$work/drift.json hash=$(printf '%064d' 1)
for i in 1 2; do
  printf '{"execution_id":"drift-%s","agent_id":"ci","operation":"generation","timestamp":"2026-01-29T12:34:56Z","manifest_hash":"%s","ontology_hash":"%s","files_generated":[{"path":"main.rs","hash":"%s"}],"pipeline":{"μ₃_emit":{"status":"success","duration_ms":1}}}\n' \
    "$i" "$hash" "$hash" "$i" >>"$drift"
done

# record N TIME [ANDON]: line N of ggen's chained log.
record() {
  printf '{"record":{"version":1,"activity":"ggen.sync","ts_ns":%s,"payload_hash_hex":"%064d","prev_chain_hash_hex":"%064d","chain_hash_hex":"%064d","andon":"%s"},"payload":{"graph_hash":"%064d","outputs":{"main.rs":"%s"},"decisions":{"main.rs":"written"},"closure":{"ggen.toml":"1"}}}\n' \
    "$2" "$1" $(($1 - 1)) "$1" "${3-Green}" 7 "$1"
}
log=$work/receipt-log.jsonl
for i in 1 2; do record $i 0; done >"$log"

# logged DATABASE: imports the log, lets it grow and imports it again, with every failure exit.
logged() {
  local import=("$tier2" --db "$1" import ggen-log --agent ci)
  expect 2 "$tier2" --db "$1" import ggen-log "$log"
  expect 2 "${import[@]}"
  expect 2 "${import[@]}" --at noon "$log"
  expect 1 "${import[@]}" "$log"
  [[ $out == *"line 1: "*"give one (--at)"* ]] || fail "import does not ask for the time: $out"
  expect 0 "${import[@]}" --at 2026-01-29 "$log"
  { cat "$log"; record 3 1769690096000000000 Yellow; } >"$work/grown.jsonl"
  expect 0 "${import[@]}" --at 2026-01-29 "$work/grown.jsonl"
  [[ $out == "1 imported, 2 unchanged, 0 refused" ]] || fail "import did not add what is new: $out"
  { cat "$log"; record 4 1; record 5 1; } >"$work/broken.jsonl"
  expect 1 "${import[@]}" --at 2026-01-29 --json "$work/broken.jsonl"
  [[ $out == *"line 3: "*"the chain is broken"* ]] || fail "import does not say where the chain breaks: $out"
  { cat "$log"; record 3 1 Blue; record 4 1; } >"$work/blue.jsonl"
  expect 1 "${import[@]}" --at 2026-01-29 "$work/blue.jsonl"
  [[ $out == *"line 3: record.andon"*"1 imported, 2 unchanged, 1 refused" ]] || fail "import does not refuse the unknown andon alone: $out"
  record 5 1 | head -c 200 >"$work/cut.jsonl"
  expect 1 "${import[@]}" "$work/cut.jsonl" "$work/missing.jsonl"
  expect 1 "$tier2" --db "$1" drift
  [[ $out == *main.rs* ]] || fail "drift does not read the log's outputs: $out"
}

# reading DATABASE: the verbs that list rows, in their three forms, and the flags they reject.
# The database has the execution ci-1 of the agent ci.
reading() {
  local verb form
  for verb in recent agents stages "stages ci-1" slo "slo ci-1" collisions "collisions --unresolved" "collisions --pairs" sessions "sessions --active" \
    audit "audit ci-1" "audit --follow --since 2020-01-01 --limit 2" memory "memory ci" "memory ci --history" drift; do
    for form in "" --json --csv; do
      # shellcheck disable=SC2086
      expect 0 "$tier2" --db "$1" $verb $form
    done
  done
  expect 0 "$tier2" --db "$1" recent --agent ci --status passed --since 2026-01-29 --until 2026-01-30 --limit all --csv
  [[ $out == *$'\r\n'*,ci-1,ci,generation,passed,* ]] || fail "recent --csv does not list the execution: $out"
  expect 0 "$tier2" --db "$1" recent --since 7d --json
  [ "$out" = "[]" ] || fail "recent --since 7d shows what is older: $out"
  expect 0 "$tier2" __complete --db "$1" recent --agent ""
  [[ $out == ci$'\n'* ]] || fail "the completion does not know the agent: $out"
  expect 1 "$tier2" --db "$1" stages unknown
  expect 1 "$tier2" --db "$1" slo unknown
  expect 1 "$tier2" --db "$1" audit unknown
  expect 1 "$tier2" --db "$1" memory unknown
  expect 1 "$tier2" --db "$1" memory ci --at 2020-01-01
  expect 2 "$tier2" --db "$1" recent --json --csv
  expect 2 "$tier2" --db "$1" recent --limit 0
  expect 2 "$tier2" --db "$1" audit --status done
  expect 2 "$tier2" --db "$1" slo --since tomorrow
  expect 2 "$tier2" --db "$1" verify --csv
  expect 130 timeout --preserve-status -s INT 1 "$tier2" --db "$1" audit --follow
  [ -z "$out" ] || fail "audit --follow prints something at its end: $out"
}

# audit DATABASE: the verbs of the audit log and their failures, except for a tampered log. The
# log has entries. $key signs it, $public verifies that key and $other does not; $anchor is
# created here.
audit() {
  rm -f "$anchor"
  expect 0 "$tier2" seal --anchor "$anchor" --sign-with "$key" "$1"
  TIER2_SIGNING_KEY=$(cat "$key") expect 0 "$tier2" seal --json --anchor "$anchor" "$1"
  expect 0 "$tier2" verify --audit --anchor "$anchor" --key "$public" "$1"
  [[ $out == *"audit: "*" 0 not sealed yet"* ]] || fail "verify does not count the entries: $out"
  expect 0 "$tier2" --json verify --audit "$1"
  expect 1 "$tier2" verify --audit --key "$other" "$1"
  [[ $out == *unsigned* ]] || fail "verify does not say that the checkpoint is unsigned: $out"
  expect 2 "$tier2" verify --anchor "$anchor" "$1"
  expect 2 "$tier2" verify --audit --key nonsense "$1"
  expect 3 "$tier2" verify --audit --key "@$key" "$1"
  [[ $out != *"$(cut -d+ -f5- "$key")"* ]] || fail "verify shows the private key"
  expect 3 "$tier2" verify --audit --anchor "$work/missing" "$1"
  expect 3 "$tier2" verify --audit --archive "$work/missing.db" "$1"
  expect 3 "$tier2" seal --sign-with "$work/missing" "$1"
  sed 's/"size":[0-9]*/"size":99999/' "$anchor" >"$work/ahead"
  expect 1 "$tier2" seal --anchor "$work/ahead" "$1"
  expect 1 "$tier2" verify --audit --anchor "$work/ahead" "$1"
  [[ $out == *truncated* ]] || fail "verify does not say that the log is truncated: $out"
  expect 0 "$tier2" prove 1 "$1"
  printf '%s\n' "$out" >"$work/proof.json"
  expect 0 "$tier2" prove --check "$work/proof.json" --key "$public" --anchor "$anchor"
  sed 's/"id": 1,/"id": 2,/' "$work/proof.json" >"$work/forged.json"
  expect 1 "$tier2" prove --check "$work/forged.json"
  expect 1 "$tier2" prove --check "$work/proof.json" --key "$other"
  expect 1 "$tier2" prove --check "$work/proof.json" --anchor "$work/ahead"
  expect 3 "$tier2" prove --check "$work/missing"
  expect 1 "$tier2" prove 99999 "$1"
  expect 2 "$tier2" prove first "$1"
}

# tampered DATABASE: verify and prove report that entry 1 was edited.
tampered() {
  expect 1 "$tier2" verify --audit "$1"
  [[ $out == *"edited: audit_log row 1: "* ]] || fail "verify does not name the edited entry: $out"
  expect 1 "$tier2" prove 1 "$1"
}

# archived DATABASE ARCHIVE FOREIGN: the verbs of retention and their failures. FOREIGN is an
# unrelated store. The database has the execution ci-1 before and after.
archived() {
  local move=("$tier2" --db "$1" archive --before 2026-02-01) back=("$tier2" --db "$1" restore)
  expect 0 "${move[@]}" --to "$2" --dry-run
  [[ $out == "would archive "* ]] && [ ! -e "$2" ] || fail "archive --dry-run made something: $out"
  expect 2 "${move[@]}" --to "$2" </dev/null
  [[ $out == *"give --yes"* ]] && [ ! -e "$2" ] || fail "archive did not ask: $out"
  expect 2 "${move[@]}" --yes
  expect 2 "${move[@]}" --yes --to :memory:
  expect 2 "${move[@]}" --yes --to "$1"
  expect 2 "$tier2" --db "$1" archive --yes --to "$2"
  expect 2 "$tier2" --db "$1" archive --before 2999-01-01 --yes --to "$2"
  expect 1 "${move[@]}" --yes --to "$3"
  expect 3 "${move[@]}" --yes --to "$work"
  expect 0 "${move[@]}" --yes --to "$2"
  [[ $out == "archived "[1-9]* ]] || fail "archive moved nothing: $out"
  expect 0 "${move[@]}" --yes --json --to "$2"
  [[ $out == *'"executions": 0,'* ]] || fail "archive moved something twice: $out"
  expect 0 "$tier2" verify --audit --archive "$2" "$1"
  [[ $out == *"audit: "*" sealed, "[1-9]*" archived, 0 not sealed yet"* ]] || fail "verify does not count what is archived: $out"
  expect 0 "$tier2" verify --audit "$2"
  expect 0 "$tier2" --db "$2" recent
  [[ $out == *ci-1* ]] || fail "the archive does not show the execution: $out"
  sed 's/ci-1/ci-9/' "$receipt" >"$work/ninth.json"
  expect 3 "$tier2" --db "$2" import receipts "$work/ninth.json"
  [[ $out == *"is an archive"* ]] || fail "import does not say that this is an archive: $out"
  cp "$2" "$work/edited.db"
  sqlite3 "$work/edited.db" "DROP TRIGGER tier2_audit_log_update; UPDATE audit_log SET agent_id = 'eve' WHERE id = 1"
  expect 1 "$tier2" verify --audit --archive "$work/edited.db" "$1"
  [[ $out == *"edited: audit_log row 1: "* ]] || fail "verify does not name the edited entry of the archive: $out"
  expect 2 "${back[@]}" --from "$2" </dev/null
  expect 2 "${back[@]}" --yes
  expect 1 "${back[@]}" --yes --from "$3"
  expect 1 "${back[@]}" --yes --from "$2" unknown
  expect 3 "${back[@]}" --yes --from "$work/missing.db"
  expect 0 "${back[@]}" --yes --from "$2" ci-1
  expect 0 "${back[@]}" --yes --json --from "$2"
  expect 0 "$tier2" --db "$1" recent
  [[ $out == *ci-1* ]] || fail "restore did not bring the execution back: $out"
  expect 0 "$tier2" verify --audit --archive "$2" "$1"
}

# exported DATABASE NAME: exports tables to files and imports them, with the failures. The
# database has the execution ci-1; NAME is the prefix of the files.
exported() {
  local dir=$2-jsonl csv=$2-csv back=$2-back.db
  expect 0 "$tier2" --db "$1" export --to "$dir"
  expect 1 "$tier2" --db "$1" export --to "$dir"
  expect 0 "$tier2" --db "$1" --json export --format csv --to "$csv"
  expect 0 "$tier2" --db "$back" import tables "$dir"
  expect 0 "$tier2" --db "$back" --json import tables "$csv"
  [[ $out != *'"inserted": '[1-9]* ]] || fail "CSV brought other rows than JSONL: $out"
  expect 0 "$tier2" verify --audit "$back"
  expect 0 "$tier2" copy --from "$1" --to "$back"
  expect 0 "$tier2" --db "$2-again.db" import tables "$dir"/{pipeline_metrics,receipts}.jsonl
  expect 0 "$tier2" --db "$1" export receipts --agent ci --since 2026-01-01 --until 2999-01-01 --out -
  [[ $out == *'"execution_id":"ci-1"'* ]] || fail "export does not show the receipt: $out"
  "$tier2" --db "$1" export receipts --out - 2>/dev/null | expect 0 "$tier2" --db "$2-again.db" import tables --table receipts -
  expect 0 "$tier2" --db "$1" export audit_log --format csv --out "$2.csv"
  expect 1 "$tier2" --db "$1" export audit_log --format csv --out "$2.csv"
  expect 1 "$tier2" --db "$work/drift.db" import tables "$dir" # it has other rows
  [[ $out == *".jsonl: line "* ]] || fail "import tables does not name the line: $out"
  expect 1 "$tier2" --db "$2-orphans.db" import tables "$dir/pipeline_metrics.jsonl"
  expect 1 "$tier2" --db "$back" import tables --table receipts "$receipt"
  sed -i '$d' "$dir/audit_log.jsonl"
  expect 1 "$tier2" --db "$2-cut.db" import tables "$dir"
  [[ $out == *"changed or cut off"* ]] || fail "import tables does not notice the lost line: $out"
  expect 2 "$tier2" --db "$1" export
  expect 2 "$tier2" --db "$1" export --out -
  expect 2 "$tier2" --db "$1" export nonsense --to "$2-no"
  expect 2 "$tier2" --db "$1" export --agent ci --to "$2-no"
  expect 2 "$tier2" --db "$1" export --format xml --to "$2-no"
  expect 2 "$tier2" --db "$1" import tables
  expect 2 "$tier2" --db "$1" import tables -
  expect 3 "$tier2" --db "$1" import tables "$2-no"
  expect 3 "$tier2" --db "$1" export --to "$receipt/x"
  [ ! -e "$2-no" ] || fail "export made something"
}
