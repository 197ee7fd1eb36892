package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
)

// result is the output and exit code of a call of the command.
type result struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// database returns a new database that init created.
func database(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new", "tier2.db")
	require.Equal(t, exitOK, run(t, "", "init", path).code)
	return path
}

// raw runs SQL as another program would: foreign keys and CHECKs are not enforced.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open(sqlite.DriverName, path)
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{"PRAGMA foreign_keys=OFF", "PRAGMA ignore_check_constraints=ON"}, statements...) {
		_, err := db.Exec(s)
		require.NoError(t, err, s)
	}
	require.NoError(t, db.Close())
}

func count(t *testing.T, path, query string) (n int) {
	t.Helper()
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	require.NoError(t, store.DB().Raw(query).Scan(&n).Error)
	return n
}

func TestRun_Usage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "x.db")
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"NoVerb":        {[]string{}, "needs a verb"},
		"UnknownVerb":   {[]string{"nonsense"}, `unknown command "nonsense"`},
		"UnknownFlag":   {[]string{"verify", "--nonsense"}, "unknown flag"},
		"ImportWhat":    {[]string{"import"}, "needs a verb"},
		"ImportUnknown": {[]string{"import", "sessions"}, "unknown command"},
		"ImportNothing": {[]string{"import", "receipts"}, "requires at least 1 arg"},
		"TwoPaths":      {[]string{"init", db, db}, "accepts at most 1 arg"},
		"PathAndDB":     {[]string{"init", db, "--db", db + "2"}, "given twice"},
		"Memory":        {[]string{"init", ":memory:"}, "is no file"},
		"ImportMemory":  {[]string{"import", "receipts", "x.json", "--db", ":memory:"}, "is no file"},
		"MemoryURI":     {[]string{"verify", "file:x?mode=memory"}, "is no file"},
		"Blank":         {[]string{"verify", " "}, "is blank"},
		"OtherEngine":   {[]string{"verify", "mysql://localhost/x"}, "no database engine is known"},
		"Port":          {[]string{"verify", "postgres://localhost:port/x"}, "invalid port"},
		"Limit0":        {[]string{"recent", "--db", db, "--limit", "0"}, "must be a number from 1 on, or all"},
		"LimitMinus":    {[]string{"recent", "--db", db, "--limit", "-1"}, "must be a number from 1 on, or all"},
		"LimitHuge":     {[]string{"recent", "--db", db, "--limit", "9223372036854775808"}, "must be a number from 1 on, or all"},
		"JSONAndCSV":    {[]string{"recent", "--db", db, "--json", "--csv"}, "either --json or --csv"},
		"CSVOfNoRows":   {[]string{"--csv", "init", db}, `"tier2 init" lists no rows`},
		"LimitText":     {[]string{"recent", "--limit", "many"}, "invalid argument"},
		"RecentArg":     {[]string{"recent", "x"}, "unknown command"},
		"Operation":     {[]string{"import", "receipts", "--db", db, "--operation", "cooking", "-"}, "allowed: validation, generation"},
		"MapNoEquals":   {[]string{"import", "receipts", "--db", db, "--map", "a", "-"}, "NAME=OPERATION"},
		"MapNoName":     {[]string{"import", "receipts", "--db", db, "--map", "=watch", "-"}, "NAME=OPERATION"},
		"DriftArg":      {[]string{"drift", "x"}, "unknown command"},
		"DriftSince":    {[]string{"drift", "--db", db, "--since", "yesterday"}, "must be a time such as"},
		"DriftUntil":    {[]string{"drift", "--db", db, "--until", "-7d"}, "must be a time such as"},
		"DriftLimit":    {[]string{"drift", "--db", db, "--limit", "1001"}, "must lie in 1 to 1000"},
		"DriftLimit0":   {[]string{"drift", "--db", db, "--limit", "0"}, "must be a number from 1 on"},
		"DriftOp":       {[]string{"drift", "--db", db, "--operation", "cooking"}, "allowed: validation, generation"},
		"ReportNoOut":   {[]string{"report", "--db", db}, "give --out FILE"},
		"ReportBoth":    {[]string{"report", "--db", db, "--json", "--out", "x.html"}, "give --out FILE"},
		"ReportMemory":  {[]string{"report", "--db", ":memory:", "--out", "-"}, "is no file"},
		"ReportSince":   {[]string{"report", "--db", db, "--since", "yesterday", "--out", "-"}, "must be a time such as"},
		"ReportArg":     {[]string{"report", "x.html"}, "unknown command"},
		"CopyNothing":   {[]string{"copy"}, "give both --from and --to"},
		"CopyTo":        {[]string{"copy", "--from", db}, "give both --from and --to"},
		"CopyMemory":    {[]string{"copy", "--from", ":memory:", "--to", db}, "is no file"},
		"CopyToMemory":  {[]string{"copy", "--from", db, "--to", ":memory:"}, "is no file"},
		"CopyArg":       {[]string{"copy", db, db}, "unknown command"},
		"ExportNowhere": {[]string{"export", "--db", db}, "give --to or --out"},
		"ExportBoth":    {[]string{"export", "--db", db, "--to", "x", "--out", "y"}, "give --to or --out"},
		"ExportAllOut":  {[]string{"export", "--db", db, "--out", "-"}, "--out takes one table"},
		"ExportTwoOut":  {[]string{"export", "--db", db, "receipts", "audit_log", "--out", "-"}, "--out takes one table"},
		"ExportJSONOut": {[]string{"export", "--db", db, "--json", "receipts", "--out", "-"}, "give a file"},
		"ExportFormat":  {[]string{"export", "--db", db, "--format", "xml", "--to", "x"}, "is not an allowed value (allowed: jsonl, csv)"},
		"ExportSince":   {[]string{"export", "--db", db, "--since", "yesterday", "--to", "x"}, "must be a time such as"},
		"ExportMemory":  {[]string{"export", "--db", ":memory:", "--to", "x"}, "is no file"},
		"TablesNothing": {[]string{"import", "tables", "--db", db}, "requires at least 1 arg"},
		"TablesMemory":  {[]string{"import", "tables", "--db", ":memory:", dir}, "is no file"},
		"TablesSize":    {[]string{"import", "tables", "--db", db, "--max-size", "0", dir}, "must lie in 1 to 1024"},
		"TablesFormat":  {[]string{"import", "tables", "--db", db, "--format", "xml", "-"}, "is not an allowed value (allowed: jsonl, csv)"},
		"TablesUnnamed": {[]string{"import", "tables", "--db", db, "-"}, "is no table that can be imported alone"},
		"TablesTree":    {[]string{"import", "tables", "--db", db, "--table", "tier2_removed", "-"}, "is no table that can be imported alone"},
		"TablesName":    {[]string{"import", "tables", "--db", db, "testdata/wrapped.json"}, `"wrapped" is no table`},
		"TablesTwo":     {[]string{"import", "tables", "--db", db, "--table", "receipts", "-", "testdata/wrapped.json"}, "are of one file alone"},
		"TablesFolders": {[]string{"import", "tables", "--db", db, dir, dir}, "is a folder, which comes alone"},
		"TablesOfDir":   {[]string{"import", "tables", "--db", db, "--table", "receipts", dir}, "is a folder, which comes alone"},
		"BackupNoFile":  {[]string{"backup", "--db", db}, "give --to"},
		"BackupMemory":  {[]string{"backup", "--db", db, "--to", ":memory:"}, "is no file"},
		"BackupArg":     {[]string{"backup", db}, "unknown command"},
		"AuditAnchor":   {[]string{"verify", "--anchor", "x", db}, "need --audit"},
		"AuditKey":      {[]string{"verify", "--key", "x", db}, "need --audit"},
		"AuditArchive":  {[]string{"verify", "--archive", db, db}, "need --audit"},
		"AnchorBlank":   {[]string{"verify", "--audit", "--anchor", "", db}, "--anchor: must not be blank"},
		"KeyBlank":      {[]string{"verify", "--audit", "--key", "", db}, "is no verifier key"},
		"KeyNonsense":   {[]string{"verify", "--audit", "--key", "nonsense", db}, "is no verifier key"},
		"ArchiveBlank":  {[]string{"verify", "--audit", "--archive", "", db}, "is blank"},
		"ArchiveMemory": {[]string{"verify", "--audit", "--archive", ":memory:", db}, "is no file"},
		"SealTwo":       {[]string{"seal", db, db}, "accepts at most 1 arg"},
		"SealMemory":    {[]string{"seal", ":memory:"}, "is no file"},
		"SealAnchor":    {[]string{"seal", "--anchor", " ", db}, "--anchor: must not be blank"},
		"SealKey":       {[]string{"seal", "--sign-with", "", db}, "--sign-with: must not be blank"},
		"SealKeyItself": {[]string{"seal", "--sign-with", "PRIVATE+KEY+a+b+c", db}, "takes a file that holds the key"},
		"KeygenNoName":  {[]string{"keygen", "--out", db}, "accepts 1 arg"},
		"KeygenNoFile":  {[]string{"keygen", "name"}, "give --out"},
		"KeygenName":    {[]string{"keygen", "a b", "--out", db}, "is no name of a key"},
		"ProveNothing":  {[]string{"prove"}, "give the id"},
		"ProveText":     {[]string{"prove", "first", db}, "is no id"},
		"ProveHuge":     {[]string{"prove", "9223372036854775808", db}, "is no id"},
		"ProveKey":      {[]string{"prove", "1", db, "--key", "x"}, "need --check"},
		"ProveMemory":   {[]string{"prove", "1", ":memory:"}, "is no file"},
		"ProveThree":    {[]string{"prove", "1", db, db}, "accepts at most 2 arg"},
		"CheckID":       {[]string{"prove", "--check", "-", "1"}, "--check takes no entry"},
		"CheckBlank":    {[]string{"prove", "--check", ""}, "--check: must not be blank"},
		"CheckAnchor":   {[]string{"prove", "--check", "-", "--anchor", ""}, "--anchor: must not be blank"},
		"CheckKey":      {[]string{"prove", "--check", "-", "--key", "x"}, "is no verifier key"},
		"MapTarget":     {[]string{"import", "receipts", "--db", db, "--map", "a=cooking", "-"}, "allowed: validation, generation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, "", tt.args...)
			assert.Equal(t, exitUsage, got.code)
			assert.Contains(t, got.stderr, tt.want)
			assert.Empty(t, got.stdout)
			assert.NoFileExists(t, db)
		})
	}
}

// TestRun_UsageOfDatabase checks that arguments that only the store rejects are usage errors.
func TestRun_UsageOfDatabase(t *testing.T) {
	t.Parallel()
	db := database(t)
	for name, args := range map[string][]string{
		"DriftWindow":  {"drift", "--since", "1d", "--until", "2d"},
		"DriftAgent":   {"drift", "--agent", "\xff"},
		"ReportWindow": {"report", "--since", "1d", "--until", "2d", "--json"},
		"ReportAgent":  {"report", "--agent", "\xff", "--out", "-"},
	} {
		got := run(t, "", append(args, "--db", db)...)
		assert.Equal(t, exitUsage, got.code, name)
		assert.Contains(t, got.stderr, "receipts.", name)
		assert.Empty(t, got.stdout, name)
	}
}

func TestRun_Help(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"init", "-h"}, {"verify", "-h"}, {"import", "-h"}, {"import", "receipts", "-h"}, {"recent", "-h"}, {"drift", "-h"}, {"copy", "-h"}, {"backup", "-h"},
		{"seal", "-h"}, {"prove", "-h"}, {"keygen", "-h"}, {"maintain", "-h"}, {"export", "-h"}, {"import", "tables", "-h"}, {"report", "-h"}, {"archive", "-h"}, {"restore", "-h"}} {
		got := run(t, "", args...)
		assert.Equal(t, exitOK, got.code)
		assert.Contains(t, got.stdout, "--db")
		assert.Empty(t, got.stderr)
	}
	help := run(t, "", "--help").stdout
	for _, code := range []string{"  0 ", "  1 ", "  2 ", "  3 ", "  130 "} {
		assert.Contains(t, help, "\n"+code)
	}
}

func TestRun_Interrupted(t *testing.T) {
	t.Parallel()
	db := database(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"init", db}, {"maintain", db}, {"verify", db}, {"recent", "--db", db}, {"drift", "--db", db}, {"report", "--db", db, "--out", db + "5"}, {"backup", "--db", db, "--to", db + "3"}, {"import", "receipts", "--db", db, "testdata/wrapped.json"}, {"copy", "--from", db, "--to", db + "2"},
		{"export", "--db", db, "--to", db + "5"}, {"export", "receipts", "--db", db, "--out", db + "5"}, {"import", "tables", "--db", db, "--table", "receipts", "testdata/wrapped.json"},
		{"verify", "--audit", db}, {"seal", db}, {"prove", "1", db},
		{"archive", "--db", db, "--before", "0d", "--to", db + "4", "--yes"}, {"archive", "--db", db, "--before", "0d", "--to", db + "4", "--dry-run"}, {"restore", "--db", db, "--from", db, "--yes"}} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitInterrupt, Run(ctx, args, nil, &stdout, &stderr), args)
		assert.Contains(t, stderr.String(), "context canceled")
	}
	assert.NoFileExists(t, db+"3")
	assert.NoFileExists(t, db+"4")
	assert.NoFileExists(t, db+"5")
	assert.Zero(t, count(t, db, "SELECT COUNT(*) FROM receipts"))
}

func TestRecent(t *testing.T) {
	t.Parallel()
	db := database(t)
	empty := run(t, "", "recent", "--db", db, "--json")
	assert.Equal(t, result{exitOK, "[]\n", ""}, empty)

	var docs strings.Builder
	for i := range 30 {
		fmt.Fprintf(&docs, `{"execution_id":"run-%02d","agent_id":"a\u001b[2J","timestamp":"2026-01-01T00:00:%02dZ","pipeline":{"μ₁_normalize":{"status":"success","duration_ms":%d}}}`, i, i, i)
	}
	require.Equal(t, exitOK, run(t, docs.String(), "import", "receipts", "--db", db, "-").code)

	got := run(t, "", "recent", "--db", db, "--limit", "20")
	require.Equal(t, exitOK, got.code)
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	require.Len(t, lines, 21)
	assert.Equal(t, []string{"TIMESTAMP", "EXECUTION", "AGENT", "OPERATION", "STATUS", "DURATION", "FILES", "AUDIT", "SLO", "ERROR"}, strings.Fields(lines[0]))
	assert.Equal(t, []string{"2026-01-01T00:00:29Z", "run-29", "a?[2J", "generation", "passed", "29ms", "0", "2", "0"}, strings.Fields(lines[1]))

	var rows []struct {
		ExecutionID string `json:"execution_id"`
	}
	got = run(t, "", "recent", "--db", db, "--json", "--limit", "2")
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &rows))
	require.Len(t, rows, 2)
	assert.Equal(t, "run-29", rows[0].ExecutionID)

	missing := filepath.Join(t.TempDir(), "missing.db")
	got = run(t, "", "recent", "--db", missing)
	assert.Equal(t, exitFailure, got.code)
	assert.Contains(t, got.stderr, "tier2 init")
	assert.NoFileExists(t, missing)
}
