package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// member is an account that an organization lists; Skipped says why it is not scanned.
type member struct {
	ID      string `json:"id"`
	Skipped string `json:"skipped,omitempty"`
}

// membersOf lists the accounts below an organization, as its snapshot holds them.
func membersOf(ctx context.Context, db *store.Store, organization posture.Snapshot) ([]member, error) {
	listed := map[string]string{"aws": "aws.organizations.account", "azure": "azure.subscriptions.member", "gcp": "gcp.resourcemanager.member"}[organization.Account.Provider]
	list, err := db.Resources(ctx, organization.Account.String(), organization.Seq, store.ResourceFilter{Type: listed})
	if err != nil {
		return nil, err
	}
	var out []member
	for _, r := range list {
		var document struct {
			Attributes struct {
				MemberID       string `json:"member_id"`
				ProjectID      string `json:"project_id"`
				SubscriptionID string `json:"subscription_id"`
				State          string `json:"state"`
			} `json:"attributes"`
		}
		if err := json.Unmarshal(r.JSON, &document); err != nil {
			return nil, fmt.Errorf("read member %s: %w", r.ID, err)
		}
		m := member{ID: cmp.Or(document.Attributes.MemberID, document.Attributes.ProjectID, document.Attributes.SubscriptionID)}
		if m.ID == organization.Account.ID {
			continue // the account that manages an AWS organization is a member of it
		}
		if state := document.Attributes.State; !slices.Contains([]string{"ACTIVE", "Enabled", "Warned"}, state) {
			m.Skipped = "its state is " + state
		}
		out = append(out, m)
	}
	return out, nil
}

// outcome is what became of one member.
type outcome struct {
	member
	Snapshot *posture.Snapshot `json:"snapshot,omitempty"`
	Gaps     int               `json:"gaps"`
	Error    string            `json:"error,omitempty"` // it could not be opened, or nothing was sealed
}

// scanMembers scans members, some at a time. One that cannot be read is listed and never stops the others.
func scanMembers(ctx context.Context, members []member, parallel int, update func(done, total int), scanOne func(context.Context, string) (scan.Result, error)) ([]outcome, error) {
	out := make([]outcome, len(members))
	var mu sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, m := range members {
		out[i].member = m
		group.Go(func() error {
			if m.Skipped == "" {
				if result, err := scanOne(ctx, m.ID); err != nil {
					out[i].Error = err.Error()
				} else {
					out[i].Snapshot, out[i].Gaps = &result.Snapshot, len(gapsOf(result.Cells))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			update(done, len(members))
			return ctx.Err()
		})
	}
	return out, group.Wait()
}

// showMembers prints what became of the members and returns the exit code that --fail-on asks for.
func (a *app) showMembers(list []outcome, failOn []string) error {
	slices.SortFunc(list, func(x, y outcome) int { return cmp.Compare(x.ID, y.ID) })
	rows := [][]any{}
	failing, incomplete := false, false
	for _, o := range list {
		row := []any{o.ID, "", "", "", "", "", cmp.Or(o.Error, o.Skipped)}
		if s := o.Snapshot; s != nil {
			row = []any{o.ID, s.Resources, s.Verdicts.Pass, s.Verdicts.Fail, s.Verdicts.Unknown, o.Gaps, ""}
			failing = failing || s.Verdicts.Fail > 0
		}
		incomplete = incomplete || o.Error != "" || o.Gaps > 0
		rows = append(rows, row)
	}
	if err := a.show(list, []string{"account", "resources", "pass", "fail", "unknown", "cells not read", "not scanned because"}, rows); err != nil {
		return err
	}
	switch {
	case incomplete && slices.Contains(failOn, "incomplete"):
		return exit(exitIncomplete)
	case failing && slices.Contains(failOn, "fail"):
		return exit(exitFound)
	}
	return nil
}
