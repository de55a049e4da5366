package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// show writes a list in the form asked for: value as JSON, or rows under columns as a table or CSV.
func (a *app) show(value any, columns []string, rows [][]any) error {
	if a.output == "json" {
		encoder := json.NewEncoder(a.out)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	}
	w := table.NewWriter()
	w.SetOutputMirror(a.out)
	header := make(table.Row, len(columns))
	for i, c := range columns {
		header[i] = c
	}
	w.AppendHeader(header)
	for _, row := range rows {
		for i, cell := range row {
			if text, ok := cell.(string); ok {
				row[i] = printable(text, a.output == "csv")
			}
		}
		w.AppendRow(row)
	}
	if a.output == "csv" {
		w.RenderCSV()
		return nil
	}
	style := table.StyleLight
	style.Options.DrawBorder, style.Options.SeparateColumns = false, false
	w.SetStyle(style)
	if len(rows) == 0 {
		fmt.Fprintln(a.err, "nothing to show")
		return nil
	}
	w.Render()
	return nil
}

// printable keeps text that comes from a cloud from steering the terminal, or a spreadsheet.
func printable(s string, csv bool) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, s)
	if csv && s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// short cuts text for a table cell.
func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// progress shows how far long work is: a bar on a terminal, otherwise a line at every quarter.
func progress(w io.Writer, what string) (update func(done, total int), finish func()) {
	if f, ok := w.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(f.Fd())) {
		bars := mpb.New(mpb.WithOutput(w), mpb.WithWidth(40))
		bar := bars.AddBar(0, mpb.PrependDecorators(decor.Name(what+" ")), mpb.AppendDecorators(decor.CountersNoUnit("%d/%d")))
		return func(done, total int) {
				bar.SetTotal(int64(total), false)
				bar.SetCurrent(int64(done))
			}, func() {
				bar.SetTotal(-1, true)
				bars.Wait()
			}
	}
	quarter := 0
	return func(done, total int) {
		if q := 4 * done / max(total, 1); q > quarter {
			quarter = q
			fmt.Fprintf(w, "%s: %d of %d\n", what, done, total)
		}
	}, func() {}
}
