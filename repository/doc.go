// Package repository holds the verbs of tier2: one type a table, over the handles of
// an open store. Every call takes the context first, says in its comment what it
// returns when it fails, and leaves the database unchanged when it does (a refused
// write leaves one failed audit entry, which the hooks make).
//
// Lists come newest first, in pages by keyset cursor; All walks a whole result in
// constant memory. Times in filters are half-open: Since <= t < Until.
//
// The package knows neither the hooks nor the engine: what a write must leave in
// audit_log and agent_memory is done by the plugin on Handle.Write.
package repository
