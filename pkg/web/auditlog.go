package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// requestID is the request's name in the audit log.
func requestID(ctx context.Context) string { return signin.RequestID(ctx) }

// person is the e-mail of who answers for the request.
func person(ctx context.Context) string { return signin.ActorOf(ctx).Person() }

// digestHeader is a hex SHA-256 as a Repr-Digest (RFC 9530).
func digestHeader(sum string) string {
	data, _ := hex.DecodeString(sum) // the store's own
	return "sha-256=:" + base64.StdEncoding.EncodeToString(data) + ":"
}

// entryPosition is where a page of the audit log begins.
type entryPosition struct {
	Seq int64
	At  time.Time
}

func (s *server) registerAuditLog(api huma.API) {
	read(s, api, operation{id: "list-audit-log", path: "/api/audit-log", about: "Who did what, newest first; also what was refused"},
		func(ctx context.Context, in *struct {
			As
			Page
			Since   time.Time `query:"since"`
			Actor   string    `query:"actor" maxLength:"200"`
			Object  string    `query:"object" maxLength:"500"`
			Action  string    `query:"action" maxLength:"100"`
			Outcome string    `query:"outcome" enum:"done,refused,failed"`
		}) (out list[access.Entry], err error) {
			from := entryPosition{At: in.at}
			if err := in.after(ctx, &from); err != nil {
				return out, err
			}
			f := store.AuditFilter{Actor: in.Actor, Object: in.Object, Action: access.Action(in.Action), Outcome: access.Outcome(in.Outcome), Since: in.Since}
			if !from.At.IsZero() {
				f.Until = from.At.Add(time.Microsecond)
			}
			items, err := newest(in.Limit, func(n int) ([]access.Entry, error) {
				f.Limit = n
				return s.Store.AuditLog(ctx, f)
			}, func(e access.Entry) bool { return from.Seq == 0 || e.Seq < from.Seq })
			if err != nil {
				return out, err
			}
			return pageOf(ctx, items, in.Limit, func(e access.Entry) any { return entryPosition{e.Seq, e.At} })
		})
	read(s, api, operation{id: "verify-audit-log", path: "/api/audit-log/verification", about: "Compute the audit log's chain anew, and name the first entry that is not as it was written"},
		func(ctx context.Context, _ *struct{ Known }) (store.AuditCheck, error) {
			return s.Store.VerifyAudit(ctx)
		})
}
