package pack

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
)

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Cell makes text safe for a spreadsheet: what begins like a formula is text.
func Cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// table renders a file of JSON lines as CSV and as a sheet of a workbook. What it renders comes first: file, accounts, time, rows and
// digest.
func table[T any](b *builder, book *workbook, source, name string, columns []string, cells func(T) []string) error {
	sum, rows := b.files.digest(source)
	if sum == "" {
		return nil
	}
	out, err := b.files.create(name)
	if err != nil {
		return err
	}
	w := csv.NewWriter(out)
	book.begin(strings.TrimSuffix(path.Base(name), ".csv"))
	write := func(record ...string) {
		book.row(record)
		for i := range record {
			record[i] = Cell(record[i])
		}
		_ = w.Write(record) // Error tells
	}
	write("source", source)
	write("boundary", strings.Join(b.names(), " "))
	write("from", b.From.UTC().Format(time.RFC3339), "to", b.To.UTC().Format(time.RFC3339))
	write("rows", strconv.Itoa(rows))
	write("sha256", sum)
	write(columns...)
	n := 0
	for row, err := range evidence.Rows[T](b.pkg, source) {
		if err != nil {
			return err
		}
		n++
		write(cells(row)...)
	}
	if n != rows {
		return fmt.Errorf("write %s: %d rows instead of %d", name, n, rows)
	}
	w.Flush()
	return errors.Join(w.Error(), out.close())
}

func (b *builder) names() []string {
	var out []string
	for _, u := range b.accounts {
		out = append(out, u.name)
	}
	return out
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func (b *builder) writeTables(context.Context) error {
	populations, err := b.newWorkbook("xlsx/populations.xlsx")
	if err != nil {
		return err
	}
	for _, f := range b.files.list { // the list grows meanwhile, by files that are no populations of JSON lines
		if name, ok := strings.CutSuffix(f.Path, ".jsonl"); ok && strings.HasPrefix(name, "populations/") {
			if err := table(b, populations, f.Path, name+".csv", []string{"account", "region", "id", "name", "created_at", "first_snapshot", "last_snapshot", "stale", "settings_sha256"},
				func(m member) []string {
					return []string{m.Account, m.Region, m.ID, m.Name, m.Created, strconv.FormatInt(m.Snapshots[0], 10), strconv.FormatInt(m.Snapshots[1], 10), strconv.FormatBool(m.Stale), m.SHA256}
				}); err != nil {
				return err
			}
		}
	}
	if err := populations.close(); err != nil {
		return err
	}
	book, err := b.newWorkbook("xlsx/evidence.xlsx")
	if err != nil {
		return err
	}
	return errors.Join(
		b.writePeriodTables(book),
		table(b, book, evidence.ResultsFile, "csv/results.csv", []string{"rule", "rule_version", "account", "type", "region", "resource", "result", "reason", "observed_at", "evaluated_at", "first_snapshot", "last_snapshot", "exception", "finding"},
			func(r evidence.Result) []string {
				exception := ""
				if r.Exception != 0 {
					exception = strconv.FormatInt(r.Exception, 10)
				}
				return []string{r.RuleID, r.RuleVersion, r.Account, r.Resource.Type, r.Resource.Region, r.Resource.ID, string(r.Result), r.Reason, stampOf(r.Observed), stampOf(r.Evaluated),
					strconv.FormatInt(r.Snapshots[0], 10), strconv.FormatInt(r.Snapshots[1], 10), exception, r.Finding}
			}),
		table(b, book, evidence.FindingsFile, "csv/findings.csv", []string{"finding", "rule", "account", "type", "region", "resource", "state", "opened_at", "first_seen_at", "ended_at", "recurrence", "assignee", "reference", "exception"},
			func(f evidence.Finding) []string {
				ended, _ := f.Ended.Get()
				return []string{f.ID, f.RuleID, f.Account, f.Resource.Type, f.Resource.Region, f.Resource.ID, string(f.State), stampOf(f.Opened), stampOf(f.First), stampOf(ended),
					strconv.Itoa(f.Recurrence), f.Assignee, f.Reference, strconv.FormatInt(f.Finding.Exception, 10)}
			}),
		table(b, book, evidence.ExceptionsFile, "csv/exceptions.csv", []string{"exception", "rule", "account", "standing", "reason", "risk", "requester", "requested_at", "starts_at", "expires_at", "resources"},
			func(e evidence.Exception) []string {
				return []string{strconv.FormatInt(e.ID, 10), e.RuleID, e.Account, string(e.Standing), e.Reason, e.Risk, e.Requester, stampOf(e.Requested), stampOf(e.Starts), stampOf(e.Expires), strconv.Itoa(len(e.Resources))}
			}),
		table(b, book, evidence.GapsFile, "csv/gaps.csv", []string{"kind", "account", "snapshot", "type", "region", "id", "path", "rule", "why", "actor"},
			func(g evidence.Gap) []string {
				why := g.Reason
				if g.Cause != nil {
					why = g.Cause.String()
				}
				return []string{g.Kind, g.Account, strconv.FormatInt(g.Snapshot, 10), g.Type, g.Region, g.ID, g.Path, g.Rule, why, g.Actor}
			}),
		book.close(),
	)
}
