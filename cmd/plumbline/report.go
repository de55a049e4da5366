package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
)

func newReport(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "report", Short: "Reports for getting ready", Example: "  plumbline report readiness h1.tar.gz",
	}
	c.AddCommand(newReadiness(a))
	return c
}

func newReadiness(a *app) *cobra.Command {
	var least int
	c := &cobra.Command{
		Use: "readiness PACKAGE", Short: "List, for each criterion, what is missing before an audit", Args: cobra.ExactArgs(1),
		Long: `Reads a package and lists what stands in the way: no control or rule (design), failing or coming back (operation), unknown or not
attached (evidence), too little observed time (period). For a package about a period it says since when no deviation is known.
` + evidence.ReadinessNote,
		Example: "  plumbline evidence build --type type2 --from 2026-01-01 --to 2026-06-30 --out h1.tar.gz && plumbline report readiness h1.tar.gz",
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := evidence.Open(args[0])
			if err != nil {
				return err
			}
			defer p.Close()
			r, err := p.Readiness(least)
			if err != nil {
				return err
			}
			rows := [][]any{}
			for _, c := range r.Criteria {
				since := ""
				if t, ok := c.CleanSince.Get(); ok {
					since = stamp(t)
				} else if c.Open > 0 {
					since = fmt.Sprintf("%d open", c.Open)
				}
				var kinds []string
				for _, kind := range []string{evidence.GapDesign, evidence.GapOperation, evidence.GapEvidence, evidence.GapPeriod} {
					n := 0
					for _, g := range c.Gaps {
						if g.Kind == kind {
							n++
						}
					}
					if n > 0 {
						kinds = append(kinds, fmt.Sprintf("%s %d", kind, n))
					}
				}
				rows = append(rows, []any{c.ID, c.Title, c.State, strings.Join(kinds, ", "), since})
			}
			if err := a.show(r, []string{"criterion", "about", "state", "gaps", "clean since (UTC)"}, rows); err != nil {
				return err
			}
			if a.output == "table" {
				fmt.Fprintln(a.out, evidence.ReadinessNote)
			}
			return nil
		},
	}
	c.Flags().IntVar(&least, "least-coverage", 90, "observed part of the time, in percent, below which it is too little")
	return c
}
