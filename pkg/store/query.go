package store

import (
	"strconv"
	"strings"
)

// query is SQL that grows with the filters asked for.
type query struct {
	sql  string
	args []any
}

// and adds a condition; each ? in it stands for the next of args.
func (q *query) and(condition string, args ...any) {
	q.sql += " AND "
	for i, part := range strings.Split(condition, "?") {
		if i > 0 {
			q.args = append(q.args, args[i-1])
			q.sql += "$" + strconv.Itoa(len(q.args))
		}
		q.sql += part
	}
}

// limit adds a limit; 0 is none.
func (q *query) limit(n int) {
	if n > 0 {
		q.args = append(q.args, n)
		q.sql += " LIMIT $" + strconv.Itoa(len(q.args))
	}
}
