package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// imported returns a new database with an execution, whose entries are sealed.
func imported(t *testing.T, dsn string) string {
	t.Helper()
	require.Equal(t, exitOK, run(t, "", "--db", dsn, "import", "receipts", "testdata/wrapped.json").code)
	return dsn
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "tier2.db") }

// keys returns a key pair in two files.
func keys(t *testing.T) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	private, public = filepath.Join(dir, "private"), filepath.Join(dir, "public")
	got := run(t, "", "keygen", "tier2-test", "--out", private)
	require.Equal(t, exitOK, got.code, got.stderr)
	require.NoError(t, os.WriteFile(public, []byte(got.stdout), 0o600))
	return private, public
}

// tamper runs SQL on a SQLite database without its triggers.
func tamper(t *testing.T, db string, statements ...string) {
	t.Helper()
	raw(t, db, append([]string{"DROP TRIGGER tier2_audit_log_update", "DROP TRIGGER tier2_audit_log_delete", "DROP TRIGGER tier2_audit_log_replace"},
		append(statements, tier2.Schema())...)...)
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"SQLite": file, "Postgres": pgtest.DSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, anchor := dsn(t), filepath.Join(t.TempDir(), "anchor")
			private, public := keys(t)
			require.Equal(t, exitOK, run(t, "", "init", db).code)
			assert.Equal(t, result{exitOK, "sealed 0 entries: the audit log is empty\n", ""}, run(t, "", "seal", db, "--anchor", anchor, "--sign-with", private))
			assert.NoFileExists(t, anchor)
			imported(t, db)
			sealed := run(t, "", "seal", db, "--anchor", anchor, "--sign-with", private)
			require.Equal(t, exitOK, sealed.code, sealed.stderr)
			assert.Regexp(t, `^sealed 6 entries, root [A-Za-z0-9+/]{43}=\n$`, sealed.stdout)
			got := run(t, "", "seal", "--json", "--db", db)
			var checkpoint ledger.Checkpoint
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &checkpoint))
			assert.Contains(t, sealed.stdout, checkpoint.Root.String())
			anchored, err := ledger.ReadAnchor(anchor)
			require.NoError(t, err)
			assert.Equal(t, []ledger.Checkpoint{checkpoint}, anchored)

			got = run(t, "", "verify", "--audit", "--anchor", anchor, "--key", "@"+public, db)
			assert.Equal(t, exitOK, got.code, got.stderr+got.stdout)
			assert.Regexp(t, `\naudit: 6 entries sealed, 0 archived, 0 not sealed yet, 6 rows compared\n$`, got.stdout)
			got = run(t, "", "verify", "--audit", "--json", db)
			var found outcome
			require.NoError(t, json.Unmarshal([]byte(got.stdout), &found))
			assert.True(t, found.OK)
			require.NotNil(t, found.Audit)
			assert.Equal(t, []any{int64(6), int64(6), checkpoint}, []any{found.Audit.Sealed, found.Audit.Rows, found.Audit.Checkpoint})
			proved(t, db, anchor, public)
		})
	}
}

// proved proves an entry, and checks the proof without the database.
func proved(t *testing.T, db, anchor, public string) {
	t.Helper()
	_, other := keys(t)
	proof := run(t, "", "prove", "3", db)
	require.Equal(t, exitOK, proof.code, proof.stderr)
	dir := t.TempDir()
	path, edited, none := filepath.Join(dir, "proof"), filepath.Join(dir, "edited"), filepath.Join(dir, "none")
	require.NoError(t, os.WriteFile(path, []byte(proof.stdout), 0o600))
	require.NoError(t, os.WriteFile(edited, []byte(strings.Replace(proof.stdout, `"agent_id": "`, `"agent_id": "eve`, 1)), 0o600))
	require.NoError(t, os.WriteFile(none, nil, 0o600))
	line, err := os.ReadFile(anchor)
	require.NoError(t, err)
	size, root := filepath.Join(dir, "size"), filepath.Join(dir, "root")
	require.NoError(t, os.WriteFile(size, []byte(strings.Replace(string(line), `"size":6`, `"size":5`, 1)), 0o600))
	require.NoError(t, os.WriteFile(root, regexp.MustCompile(`"root":"....`).ReplaceAll(line, []byte(`"root":"AAAA`)), 0o600))
	for _, tt := range []struct {
		args  []string
		stdin string
		code  int
		want  string
	}{
		{[]string{path}, "", exitOK, "nobody vouches for"},
		{[]string{"-"}, proof.stdout, exitOK, "ok: entry 3, "},
		{[]string{path, "--key", "@" + other, "--key", "@" + public}, "", exitOK, ", signed\n6 entries, root "},
		{[]string{path, "--anchor", anchor}, "", exitOK, ", anchored\n"},
		{[]string{path, "--anchor", anchor, "--key", "@" + public}, "", exitOK, ", signed and anchored\n"},
		{[]string{path, "--json", "--anchor", anchor}, "", exitOK, `"anchored": true`},
		{[]string{edited}, "", exitFound, "is not in the checkpoint's tree as this entry"},
		{[]string{path, "--key", "@" + other}, "", exitFound, "is not signed by a known key"},
		{[]string{path, "--anchor", none}, "", exitFound, "the anchor does not have the checkpoint of size 6"},
		{[]string{path, "--anchor", size}, "", exitFound, "the anchor does not have the checkpoint of size 6"},
		{[]string{path, "--anchor", root}, "", exitFound, "the anchor does not have the checkpoint of size 6"},
		{[]string{none}, "", exitFound, "is no proof"},
		{[]string{"-"}, "{}", exitFound, "lies outside of the checkpoint's tree"},
		{[]string{filepath.Join(dir, "missing")}, "", exitFailure, "no such file"},
		{[]string{path, "--anchor", filepath.Join(dir, "missing")}, "", exitFailure, "the anchor file, or its folder, does not exist"},
		{[]string{path, "--key", "@" + filepath.Join(dir, "missing")}, "", exitFailure, "no such file"},
		{[]string{path, "--key", "@" + path}, "", exitFailure, "is no verifier key"},
	} {
		got := run(t, tt.stdin, append([]string{"prove", "--check"}, tt.args...)...)
		assert.Equal(t, tt.code, got.code, "%s: %s", tt.args, got.stderr)
		assert.Contains(t, got.stdout+got.stderr, tt.want, tt.args)
		assert.Equal(t, tt.code == exitOK, got.stderr == "")
	}
	for _, id := range []string{"0", "99", "9223372036854775807"} {
		got := run(t, "", "prove", id, db)
		assert.Equal(t, result{exitFound, "", "tier2: audit_log.id \"" + id + "\": not found\n"}, got)
	}
}

// TestAudit_Found checks that each finding is a line that names the kind and the row.
func TestAudit_Found(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sql  []string
		want string
	}{
		"Edited":     {[]string{"UPDATE audit_log SET agent_id = 'eve' WHERE id = 3"}, "edited: audit_log row 3: entry 3 is not what was sealed\n"},
		"Missing":    {[]string{"DELETE FROM audit_log WHERE id = 3"}, "missing: audit_log row 3: entry 3 was sealed, and is not there\n"},
		"RowChanged": {[]string{"UPDATE pipeline_metrics SET error_message = 'x' WHERE id = 2"}, "row changed: pipeline_metrics row 2: row 2 of pipeline_metrics is not what entry "},
		"Truncated": {[]string{"DELETE FROM audit_log WHERE id > 5", "DELETE FROM tier2_audit_tree WHERE entry_id > 5"},
			"truncated: the checkpoint of "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := imported(t, file(t))
			tamper(t, db, tt.sql...)
			got := run(t, "", "verify", "--json", db)
			assert.Equal(t, exitOK, got.code, "which does not look at it")
			assert.NotContains(t, got.stdout, `"audit":`)
			got = run(t, "", "verify", "--audit", db)
			assert.Equal(t, exitFound, got.code, got.stderr)
			assert.Regexp(t, `^ok: .*\n`, got.stdout)
			assert.Contains(t, got.stdout, "\n"+tt.want)
			assert.NotContains(t, got.stdout, "audit: ")
			var found outcome
			require.NoError(t, json.Unmarshal([]byte(run(t, "", "verify", "--audit", "--json", db).stdout), &found))
			assert.False(t, found.OK)
			assert.NotEmpty(t, found.Audit.Findings)
			if name == "Edited" {
				got = run(t, "", "prove", "3", db)
				assert.Equal(t, result{exitFound, "", "tier2: audit_log.id \"3\": the entry is not what was sealed\n"}, got)
			}
			if name == "Truncated" {
				for _, verb := range []string{"seal", "maintain"} {
					got = run(t, "", verb, db)
					assert.Equal(t, exitFound, got.code, verb)
					assert.Contains(t, got.stderr, "is shorter than its newest checkpoint says")
				}
			}
		})
	}
	db := imported(t, file(t))
	tamper(t, db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110) INSERT INTO audit_log (id, timestamp, agent_id, operation, status) SELECT -i, '2026-01-01', 'eve', 'o', 'failed' FROM n",
		"DROP INDEX idx_receipts_status")
	got := run(t, "", "verify", "--audit", db)
	assert.Equal(t, exitFound, got.code)
	assert.Contains(t, got.stdout, "inserted: audit_log row -110: ")
	assert.Contains(t, got.stdout, "\naudit: 10 more findings\n")
}

// TestAudit_Refused covers logs that cannot be verified or sealed, and keys that cannot be
// created.
func TestAudit_Refused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, missing, text, ahead := imported(t, file(t)), filepath.Join(dir, "missing"), filepath.Join(dir, "text"), filepath.Join(dir, "ahead")
	private, public := keys(t)
	require.NoError(t, os.WriteFile(text, []byte("nonsense\n"), 0o600))
	require.NoError(t, os.WriteFile(ahead, []byte(`{"size":99,"root":"`+strings.Repeat("A", 43)+`=","timestamp":"2026-01-01T00:00:00Z"}`+"\n"), 0o600))
	archive := file(t)
	imported(t, archive)
	raw(t, archive, "INSERT INTO tier2_archive VALUES ('x', '2026-01-01 00:00:00')")
	for name, tt := range map[string]struct {
		args []string
		code int
		want string
	}{
		"NoAnchor":     {[]string{"verify", "--audit", "--anchor", missing, db}, exitFailure, "the anchor file, or its folder, does not exist"},
		"AnchorText":   {[]string{"verify", "--audit", "--anchor", text, db}, exitFailure, "is no anchor file: line 1"},
		"NoArchive":    {[]string{"verify", "--audit", "--archive", missing, db}, exitFailure, "does not exist"},
		"NoKey":        {[]string{"verify", "--audit", "--key", "@" + missing, db}, exitFailure, "no such file"},
		"WrongKey":     {[]string{"verify", "--audit", "--key", "@" + private, db}, exitFailure, "is no verifier key"},
		"NoDatabase":   {[]string{"verify", "--audit", missing}, exitFound, "the audit log was not checked"},
		"Unsigned":     {[]string{"verify", "--audit", "--key", "@" + public, db}, exitFound, "\nunsigned: the checkpoint of size 6 is not signed\n"},
		"Ahead":        {[]string{"verify", "--audit", "--anchor", ahead, db}, exitFound, "truncated: the checkpoint of 2026-01-01T00:00:00.000000Z is of 99 entries, and the tree has 6"},
		"SealAhead":    {[]string{"seal", "--anchor", ahead, db}, exitFound, "the anchor has a checkpoint of more entries"},
		"SealText":     {[]string{"seal", "--anchor", text, db}, exitFailure, "is no anchor file"},
		"SealNoFolder": {[]string{"seal", "--anchor", filepath.Join(missing, "x"), db}, exitFailure, "the anchor file, or its folder"},
		"SealMissing":  {[]string{"seal", missing}, exitFailure, "'tier2 init' makes one"},
		"SealNoKey":    {[]string{"seal", "--sign-with", missing, db}, exitFailure, "no such file"},
		"SealBadKey":   {[]string{"seal", "--sign-with", text, db}, exitFailure, "the private key cannot be read"},
		"SealPublic":   {[]string{"seal", "--sign-with", public, db}, exitFailure, "the private key cannot be read"},
		"SealArchive":  {[]string{"seal", archive}, exitFailure, "an archive is not sealed"},
		"Maintain":     {[]string{"maintain", archive}, exitOK, "maintained "},
		"ProveMissing": {[]string{"prove", "1", missing}, exitFailure, "'tier2 init' makes one"},
		"KeygenThere":  {[]string{"keygen", "name", "--out", text}, exitFailure, "exists"},
		"KeygenFolder": {[]string{"keygen", "name", "--out", filepath.Join(missing, "x")}, exitFailure, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			got := run(t, "", tt.args...)
			assert.Equal(t, tt.code, got.code, got.stderr)
			assert.Contains(t, got.stdout+got.stderr, tt.want)
			assert.NotContains(t, got.stdout+got.stderr, "PRIVATE+KEY+tier2-test")
			assert.NoFileExists(t, missing)
			after, err := os.ReadFile(text)
			require.NoError(t, err)
			assert.Equal(t, "nonsense\n", string(after))
		})
	}
	assert.Equal(t, exitOK, run(t, "", "verify", "--audit", db).code)
}

// TestKeygen checks that the private key is in the file only.
func TestKeygen(t *testing.T) {
	t.Parallel()
	private, public := keys(t)
	info, err := os.Stat(private)
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	key, err := os.ReadFile(private)
	require.NoError(t, err)
	assert.Regexp(t, `^PRIVATE\+KEY\+tier2-test\+[0-9a-f]{8}\+\S+\n$`, string(key))
	shown, err := os.ReadFile(public)
	require.NoError(t, err)
	assert.Regexp(t, `^tier2-test\+[0-9a-f]{8}\+\S+\n$`, string(shown))

	got := run(t, "", "keygen", "b", "--json", "--out", file(t))
	assert.Regexp(t, `^\{\n  "key": "b\+\S+"\n\}\n$`, got.stdout)
	db, secret := imported(t, file(t)), strings.TrimSpace(string(key))
	for _, args := range [][]string{
		{secret}, {"seal", db, secret}, {"seal", "--sign-with", secret, db}, {"seal", "--" + secret, db}, {"seal", "--anchor=" + secret + "/x", db}, {"keygen", secret}, {"keygen", secret, "--out", secret + "/x"},
		{"verify", "--audit", "--key", secret, db}, {"verify", "--audit", "--key", "@" + secret, db}, {"prove", secret}, {"prove", "--check", secret}, {"prove", "--check", private}, {"prove", "--check", "-", "--anchor", private},
	} {
		got := run(t, secret, args...)
		assert.NotEqual(t, exitOK, got.code, args)
		assert.NotContains(t, got.stdout+got.stderr, secret[len(secret)-20:], args)
	}
}

// TestSigningKey checks that the key in the environment signs. It is not parallel, since it
// sets a variable.
func TestSigningKey(t *testing.T) {
	private, public := keys(t)
	key, err := os.ReadFile(private)
	require.NoError(t, err)
	for i, verb := range []string{"seal", "maintain"} {
		db := imported(t, file(t))
		t.Setenv(signingKey, "")
		require.Equal(t, exitOK, run(t, "", verb, db).code)
		assert.Equal(t, exitFound, run(t, "", "verify", "--audit", "--key", "@"+public, db).code)
		t.Setenv(signingKey, string(key))
		got := run(t, "", verb, db)
		require.Equal(t, exitOK, got.code, got.stderr)
		assert.Equal(t, exitOK, run(t, "", "verify", "--audit", "--key", "@"+public, db).code)
		t.Setenv(signingKey, "nonsense "+strconv.Itoa(i))
		got = run(t, "", verb, db)
		assert.Equal(t, exitFailure, got.code)
		assert.NotContains(t, got.stderr, "nonsense")
	}
}
