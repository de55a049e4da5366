// Command rows seals two snapshots of the same account, in which nothing changed, and counts the configuration rows that the
// second one added: contents, versions of resources, versions of verdicts.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/plumbline-dev/plumbline/pkg/embedpg"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

const size = 10_000

func main() {
	if err := measure(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func measure(ctx context.Context) error {
	server, err := embedpg.Start(ctx, embedpg.Options{Unsafe: true})
	if err != nil {
		return err
	}
	defer server.Stop()
	url := server.URL("postgres")
	if _, err := store.Migrate(ctx, url); err != nil {
		return err
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)

	resources := make([]posture.Content, size)
	for i := range resources {
		resources[i] = plumbtest.Resource(fmt.Sprintf("arn:aws:s3:::bucket-%06d", i), map[string]any{"versioning": "Enabled", "size": int64(i)})
	}
	var rows [2]int
	for day := range rows {
		if _, err := db.Seal(ctx, plumbtest.Sealing(day, resources...)); err != nil {
			return err
		}
		const query = `SELECT (SELECT count(*) FROM contents) + (SELECT count(*) FROM resource_versions) + (SELECT count(*) FROM verdict_versions)`
		if err := conn.QueryRow(ctx, query).Scan(&rows[day]); err != nil {
			return err
		}
	}
	if rows[0] < 3*size {
		return fmt.Errorf("the first snapshot added %d rows, want at least %d", rows[0], 3*size)
	}
	fmt.Printf("unchanged snapshot: first %d rows, second %d rows\n", rows[0], rows[1]-rows[0])
	return nil
}
