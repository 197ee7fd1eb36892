// Package repository provides the operations of tier2, with one type per table and the
// types Executions and Reports for operations across tables.
//
// Every method takes a context first and lists its errors. A method that returns an error
// leaves the database unchanged, apart from the failed audit entry of a rejected write.
//
// Lists are sorted newest first and read in pages by keyset cursor. The All methods
// iterate over a whole list in constant memory. Filters by time are half-open:
// Since <= t < Until.
//
// The package imports neither the hooks nor an engine. The audit entries and memory
// updates that a write requires are written below it.
package repository
