package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// root returns the folder of the module, which contains the working directory.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run it in a folder of the module")
		}
		dir = filepath.Dir(dir)
	}
}

// loadSeed replaces the empty tables of a store by those of schema 1.0.0. Driver,
// connections and pragmas stay the same.
func loadSeed(ctx context.Context, db *sql.DB) error {
	dir, err := root()
	if err != nil {
		return err
	}
	script, err := os.ReadFile(filepath.Join(dir, "internal/engine/sqlite/testdata/seed-1.0.0.sql"))
	if err != nil {
		return err
	}
	schema, _, _ := strings.Cut(string(script), "\nINSERT INTO ") // without its rows
	statements, err := texts(ctx, db, `SELECT 'DROP ' || type || ' ' || name FROM sqlite_schema
		WHERE type IN ('view', 'table') AND name NOT LIKE 'sqlite_%' ORDER BY type = 'table'`)
	if err != nil {
		return err
	}
	for _, statement := range append(statements, schema, "PRAGMA user_version = 0") {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// texts returns the values of a column.
func texts(ctx context.Context, db *sql.DB, query string, args ...any) (list []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, rows.Err()
}

// dropTotals removes the totals, so that the views scan the tables. The store then has
// nothing to fold and still writes rows.
func dropTotals(ctx context.Context, db *sql.DB) error {
	statements, err := texts(ctx, db, `SELECT 'DROP ' || type || ' ' || name FROM sqlite_schema
		WHERE type IN ('view', 'trigger') OR type = 'table' AND name LIKE 'tier2_%' ORDER BY type = 'table'`)
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
