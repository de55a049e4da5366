package aws

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// reportOperations read the credential report. Of its body the journal keeps when the report was made, not the table.
func reportOperations() []collectors.Operation {
	return []collectors.Operation{
		{Name: "IAM.GenerateCredentialReport", Permission: "iam:GenerateCredentialReport", Body: collectors.Store, Polled: true},
		{Name: "IAM.GetCredentialReport", Permission: "iam:GetCredentialReport", Body: collectors.Redact("Content")},
	}
}

// A report takes seconds to make; after a minute of asking it is unread.
const (
	reportPolls = 30
	reportWait  = 2 * time.Second
)

// credentialReport is IAM's table of the credentials of the root user and of every IAM user.
// Source: IAM user guide, "Generate credential reports", which also documents the columns.
type credentialReport struct {
	generated time.Time
	rows      map[string]map[string]string // by ARN, then by column
	err       error                        // why there is none
}

// readCredentialReport has a report made, unless there is one younger than four hours, and reads it. Where that is refused,
// a report that somebody else had made within four hours will do.
func readCredentialReport(ctx context.Context, c *client) credentialReport {
	api := iam.NewFromConfig(c.config)
	generateErr := generateCredentialReport(ctx, c, api)
	answer, err := api.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
	switch {
	case err != nil && generateErr != nil:
		return credentialReport{err: generateErr}
	case err != nil:
		return credentialReport{err: err}
	case answer.GeneratedTime == nil:
		return credentialReport{err: missing("IAM.GetCredentialReport", "the report's date")}
	}
	table, err := csv.NewReader(bytes.NewReader(answer.Content)).ReadAll()
	if err != nil {
		return credentialReport{err: badReport(posture.ReasonParseError, "read the table: %w", err)}
	}
	report := credentialReport{generated: *answer.GeneratedTime, rows: map[string]map[string]string{}}
	for i, line := range table {
		if i == 0 {
			continue // the columns' names
		}
		row := map[string]string{}
		for j, column := range table[0] {
			row[column] = line[j]
		}
		report.rows[row["arn"]] = row
	}
	return report
}

func generateCredentialReport(ctx context.Context, c *client, api *iam.Client) error {
	for range reportPolls {
		answer, err := api.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{})
		if err != nil {
			return err
		}
		if answer.State == types.ReportStateTypeComplete {
			return nil
		}
		if err := c.sleep(ctx, reportWait); err != nil {
			return &transport.Error{Operation: "IAM.GenerateCredentialReport", Reason: posture.ReasonTimeout, Err: err}
		}
	}
	return &transport.Error{Operation: "IAM.GenerateCredentialReport", Reason: posture.ReasonTimeout, Err: errors.New("the report is not ready yet")}
}

// row returns what the report says of the user with that ARN. A report older than the user says nothing of them: a row may
// then be that of an earlier user of the same name.
func (r credentialReport) row(arn string, created *time.Time) credentialRow {
	columns, ok := r.rows[arn]
	if r.err == nil && (!ok || created != nil && created.After(r.generated)) {
		return credentialRow{err: badReport(posture.ReasonUnreconciled, "the report does not know %s", arn)}
	}
	return credentialRow{columns, r.err}
}

// credentialRow is one line of the report, or why it was not read. Its methods return an error for what they cannot tell.
type credentialRow struct {
	columns map[string]string
	err     error
}

func (r credentialRow) flag(column string) (bool, error) {
	if r.err != nil {
		return false, r.err
	}
	switch strings.ToLower(r.columns[column]) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, badReport(posture.ReasonParseError, "column %s holds %q", column, r.columns[column])
}

// time returns a date, absent where the report has none.
func (r credentialRow) time(column string) (posture.Opt[time.Time], error) {
	value, ok := r.columns[column]
	switch {
	case r.err != nil:
		return posture.Opt[time.Time]{}, r.err
	case !ok:
		return posture.Opt[time.Time]{}, badReport(posture.ReasonParseError, "there is no column %s", column)
	case none(value):
		return posture.Opt[time.Time]{}, nil
	}
	t, err := time.Parse(time.RFC3339, value)
	if err != nil {
		return posture.Opt[time.Time]{}, badReport(posture.ReasonParseError, "column %s: %w", column, err)
	}
	return posture.Some(t.UTC()), nil
}

// credential is a key or a certificate in one of the two slots the report has for each.
type credential struct {
	slot      int64
	active    bool
	activeErr error
	rotated   posture.Opt[time.Time]
	// rotatedErr is set for an active credential without a date, too: each is made at some time.
	rotatedErr error
}

// credentials returns the slots of a kind ("access_key", "cert") in which there is something.
func (r credentialRow) credentials(kind string) []credential {
	var out []credential
	for slot := int64(1); slot <= 2; slot++ {
		prefix := fmt.Sprintf("%s_%d_", kind, slot)
		c := credential{slot: slot}
		c.active, c.activeErr = r.flag(prefix + "active")
		c.rotated, c.rotatedErr = r.time(prefix + "last_rotated")
		_, dated := c.rotated.Get()
		if c.active && !dated && c.rotatedErr == nil {
			c.rotatedErr = badReport(posture.ReasonParseError, "%sactive is true without a date", prefix)
		}
		if c.active || dated || c.activeErr != nil || c.rotatedErr != nil {
			out = append(out, c)
		}
	}
	return out
}

// activeCount counts active keys or certificates. expected says that there is some credential of the kind: a report that
// shows none is older than it.
func (r credentialRow) activeCount(kind string, expected bool) (int64, error) {
	list := r.credentials(kind)
	if expected && len(list) == 0 {
		return 0, badReport(posture.ReasonUnreconciled, "the account summary knows a credential which the report does not")
	}
	var n int64
	for _, c := range list {
		if c.activeErr != nil {
			return 0, c.activeErr
		}
		if c.active {
			n++
		}
	}
	return n, r.more()
}

// latest returns the latest of several dates, absent where there is none.
func (r credentialRow) latest(columns ...string) (posture.Opt[time.Time], error) {
	var latest posture.Opt[time.Time]
	for _, column := range columns {
		value, err := r.time(column)
		if err != nil {
			return latest, err
		}
		if t, ok := value.Get(); ok && t.After(latest.Or(time.Time{})) {
			latest = value
		}
	}
	return latest, nil
}

// more returns an error when the user holds credentials beyond those the report has columns for.
func (r credentialRow) more() error {
	if extra := r.columns["additional_credentials_info"]; !none(extra) {
		return badReport(posture.ReasonPartialPages, "the user has further credentials")
	}
	return nil
}

// none reports whether a value says that there is nothing to say.
func none(value string) bool {
	switch value {
	case "", "N/A", "no_information", "not_supported":
		return true
	}
	return false
}

// fillCredentials copies what the report says to the user; what it does not say is returned as gaps.
func fillCredentials(user *schema.IAMUser, row credentialRow) []collectors.Gap {
	if row.err != nil {
		return []collectors.Gap{collectors.Unread(row.err, "password_enabled", "password_last_used_at", "password_changed_at", "mfa_active", "access_keys")}
	}
	var gaps []collectors.Gap
	keep := func(err error, path string) {
		if err != nil {
			gaps = append(gaps, collectors.Unread(err, path))
		}
	}
	var err error
	user.PasswordEnabled, err = row.flag("password_enabled")
	keep(err, "password_enabled")
	user.PasswordLastUsedAt, err = row.time("password_last_used")
	keep(err, "password_last_used_at")
	user.PasswordChangedAt, err = row.time("password_last_changed")
	keep(err, "password_changed_at")
	user.MFAActive, err = row.flag("mfa_active")
	keep(err, "mfa_active")
	for _, c := range row.credentials("access_key") {
		key := schema.IAMAccessKey{Slot: c.slot, Active: c.active, RotatedAt: c.rotated}
		path := fmt.Sprintf("access_keys[%d].", c.slot)
		keep(c.activeErr, path+"active")
		keep(c.rotatedErr, path+"rotated_at")
		key.LastUsedAt, err = row.time(fmt.Sprintf("access_key_%d_last_used_date", c.slot))
		keep(err, path+"last_used_at")
		user.AccessKeys = append(user.AccessKeys, key)
	}
	keep(row.more(), "access_keys[]")
	return gaps
}

func badReport(reason posture.Reason, format string, args ...any) error {
	return &transport.Error{Operation: "IAM.GetCredentialReport", Reason: reason, Err: fmt.Errorf(format, args...)}
}
