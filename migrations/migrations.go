// Package migrations holds the database schema: NNNN_what_changes.sql, applied in order, forward only.
package migrations

import "embed"

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS
