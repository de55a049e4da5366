package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/evidence/keyring"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// keys are the installation's signing keys; the first use makes one.
func (a *app) keys() (*keyring.Ring, error) { return keyring.Open(a.keysDir(), time.Now()) }

func (a *app) keysDir() string { return filepath.Join(a.dataDir, "keys") }

func newKeys(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "keys", Short: "Show and rotate the keys that sign checkpoints and packages",
		Long: `The secret of the key that signs stays in the data directory; the public keys of all times are beside it, in keys.json.
Hand that file out by another way than packages, so that whoever checks one knows whose signature to expect.`,
		Example: "  plumbline keys list\n  plumbline keys rotate",
	}
	list := &cobra.Command{
		Use: "list", Short: "List the public keys, oldest first", Args: cobra.NoArgs, Example: "  plumbline keys list --output json > keys.json",
		RunE: func(*cobra.Command, []string) error {
			ring, err := a.keys()
			if err != nil {
				return err
			}
			return a.showKeys(ring.Keys)
		},
	}
	rotate := &cobra.Command{
		Use: "rotate", Short: "End the key that signs and make another", Args: cobra.NoArgs, Example: "  plumbline keys rotate",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				ring, err := a.keys()
				if err != nil {
					return err
				}
				if err := db.Audit(c.Context(), access.Entry{Actor: operator(), Action: access.KeyManage, Object: "key/" + ring.Signer.Key.ID, Reason: "rotated"}); err != nil {
					return err
				}
				if ring, err = ring.Rotate(a.keysDir(), time.Now()); err != nil {
					return err
				}
				return a.showKeys(ring.Keys)
			})
		},
	}
	c.AddCommand(list, rotate)
	return c
}

func (a *app) showKeys(keys []ledger.Key) error {
	rows := [][]any{}
	for _, k := range keys {
		until := ""
		if t, ok := k.Until.Get(); ok {
			until = stamp(t)
		}
		rows = append(rows, []any{k.ID, stamp(k.From), until, k.Text})
	}
	return a.show(keys, []string{"key", "valid from (UTC)", "until", "public key"}, rows)
}

func newCheckpoints(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "checkpoints", Short: "Sign heads of the log and send them where this installation cannot rewrite them",
		Long: `A checkpoint is a signed head of the log of snapshots and audit entries. Whoever holds an early one can tell whether the log was
written anew since. Sign one at least daily, and send it to a place that the administrators of this installation cannot change.`,
		Example: "  plumbline checkpoints sign --publish /mnt/auditor/ --publish https://witness.example.com/heads\n  plumbline checkpoints list",
	}
	c.AddCommand(newCheckpointsSign(a), newCheckpointsList(a))
	return c
}

func newCheckpointsSign(a *app) *cobra.Command {
	var publish []string
	c := &cobra.Command{
		Use: "sign", Short: "Sign the log as it is now and print the checkpoint", Args: cobra.NoArgs,
		Example: "  plumbline checkpoints sign --publish https://witness.example.com/heads",
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := loadRules()
			if err != nil {
				return err
			}
			return a.withStore(c.Context(), func(db *store.Store) error {
				if err := saveRules(c.Context(), db, set); err != nil {
					return err
				}
				head, err := a.signHead(c.Context(), db, publish)
				if head.Note == "" {
					return err
				}
				if a.output == "table" {
					fmt.Fprint(a.out, head.Note)
					return err
				}
				return errors.Join(err, a.show(head, []string{"records", "root", "signed (UTC)"}, [][]any{{head.Size, head.Root.String(), stamp(head.Signed)}}))
			})
		},
	}
	c.Flags().StringArrayVar(&publish, "publish", nil, "send it to this `receiver` too: a URL that takes POST, or a folder, which gets a file for each head; may be repeated")
	return c
}

// signHead signs the log as it is, and sends the head to receivers. Those that did not take it are an error beside the head.
func (a *app) signHead(ctx context.Context, db *store.Store, receivers []string) (ledger.Head, error) {
	ring, err := a.keys()
	if err != nil {
		return ledger.Head{}, err
	}
	head, err := db.SignHead(ctx, ring.Signer.SignCheckpoint)
	if err != nil {
		return ledger.Head{}, err
	}
	var failed []error
	for _, receiver := range receivers {
		err := publishHead(ctx, receiver, head)
		problem := ""
		if err != nil {
			problem = err.Error()
			failed = append(failed, err)
		}
		if err := db.Published(ctx, head.Size, receiver, problem); err != nil {
			return head, err
		}
	}
	return head, errors.Join(failed...)
}

// signWhenDue signs a head when the newest is as old as the settings allow.
func (a *app) signWhenDue(ctx context.Context, db *store.Store, c config.Checkpoints) error {
	heads, err := db.Heads(ctx, 0)
	if err != nil || len(heads) > 0 && db.Clock().Sub(heads[len(heads)-1].Signed) < c.Every {
		return err
	}
	_, err = a.signHead(ctx, db, c.Publish)
	return err
}

// signEvery looks now and then, until ctx ends, whether a head is due.
func (a *app) signEvery(ctx context.Context, db *store.Store, settings func() config.Checkpoints, log *slog.Logger) {
	ticker := time.NewTicker(5 * time.Minute)
	defer ticker.Stop()
	for {
		if err := a.signWhenDue(ctx, db, settings()); err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "the log's head was not signed and published", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// publishHead sends a checkpoint to a URL, or writes it to a folder under its number of records; what is there already stays.
func publishHead(ctx context.Context, receiver string, head ledger.Head) error {
	if !strings.HasPrefix(receiver, "https://") && !strings.HasPrefix(receiver, "http://") {
		name := filepath.Join(receiver, fmt.Sprintf("checkpoint-%d", head.Size))
		if known, err := os.ReadFile(name); err == nil && string(known) == head.Note {
			return nil
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return fmt.Errorf("publish checkpoint: %w", err)
		}
		_, err = f.WriteString(head.Note)
		return errors.Join(err, f.Close())
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, receiver, bytes.NewReader([]byte(head.Note)))
	if err != nil {
		return fmt.Errorf("publish checkpoint: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("publish checkpoint: %w", err)
	}
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("publish checkpoint: %s answered %s", receiver, response.Status)
	}
	return nil
}

func newCheckpointsList(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List signed heads and where they went, oldest first", Args: cobra.NoArgs, Example: "  plumbline checkpoints list --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c.Context(), func(db *store.Store) error {
				heads, err := db.Heads(c.Context(), 0)
				if err != nil {
					return err
				}
				sent, err := db.Publications(c.Context())
				if err != nil {
					return err
				}
				type listed struct {
					ledger.Head
					Sent []store.Publication `json:"publications"`
				}
				list, rows := []listed{}, [][]any{}
				for _, h := range heads {
					l := listed{h, []store.Publication{}}
					where := []string{}
					for _, p := range sent {
						if p.Size != h.Size {
							continue
						}
						l.Sent = append(l.Sent, p)
						if p.Error == "" {
							where = append(where, p.Receiver)
						} else {
							where = append(where, p.Receiver+" failed: "+p.Error)
						}
					}
					list = append(list, l)
					rows = append(rows, []any{h.Size, h.Root.String(), stamp(h.Signed), strings.Join(where, "; ")})
				}
				return a.show(list, []string{"records", "root", "signed (UTC)", "sent to"}, rows)
			})
		},
	}
}
