// Command scan compares the wall time of one scan with the ideal makespan of the calls it made, against a simulated account
// whose every answer takes 50 ms, by the system clock and under the request rates that are the scanner's default.
//
// The ideal makespan is what a perfect schedule of the same calls could not go below:
//
//	2 × latency + max over services and regions of ((calls − burst) / rate, at least 0) + latency
//
// Two calls, for identity and regions, come before all others. Then every service in every region is asked at its own rate,
// the first burst (one second's worth) at once, and the last call asked still has to be answered. That a page waits for the
// page before it, or a detail for its list, is left out, so the ideal is lower than what is possible. The simulator runs in
// the same process and on the same processors, which the wall time bears too.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	deriveaws "github.com/plumbline-dev/plumbline/pkg/derive/aws"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
	"github.com/plumbline-dev/plumbline/rules"
)

const latency = 50 * time.Millisecond

// defaultRate is half of what AWS accepts of each service in a region: the scanner's setting when nothing else is said. It is
// handed to the scanner, so that the scan and its ideal always go by the same rates.
func defaultRate(service string) rate.Limit {
	switch service {
	case "S3", "KMS":
		return 50
	case "EC2":
		return 20
	case "CloudWatchLogs", "GuardDuty", "SecurityHub", "ConfigService":
		return 5
	}
	return 10
}

// memory is a store of nothing before and nothing kept.
type memory struct{}

func (memory) State(context.Context, string) (posture.Sealing, error) { return posture.Sealing{}, nil }
func (memory) Contents(context.Context, string, [][32]byte) (map[[32]byte][]byte, error) {
	return nil, nil
}

func (memory) Seal(_ context.Context, s posture.Sealing) (posture.Snapshot, error) {
	return posture.Snapshot{Seq: 1, Resources: len(s.Resources)}, nil
}

func main() {
	size := flag.Int("size", 10, "multiplies the number of simulated resources")
	flag.Parse()
	if err := measure(context.Background(), *size); err != nil {
		log.Fatal(err)
	}
}

func measure(ctx context.Context, size int) error {
	set, err := rules.Load()
	if err != nil {
		return err
	}
	simulated := world.Account{
		Account: posture.Account{Provider: "aws", ID: "111122223333", Name: "production"},
		Regions: []string{"eu-west-1", "eu-central-1", "us-east-1"}, Size: size,
	}
	cloud, err := simcloud.Start("127.0.0.1:0", &world.World{
		Seed: 20, Start: time.Now().UTC(), Kinds: account.Kinds(), Accounts: []world.Account{simulated},
	})
	if err != nil {
		return err
	}
	defer cloud.Stop()
	cloud.Faults.Set([]fault.Rule{{Kind: fault.Slow, Delay: latency}})

	var journal *transport.Journal
	scanner := scan.Scanner{
		Open: func(ctx context.Context, j *transport.Journal) (collectors.Account, error) {
			journal = j
			return aws.Open(ctx, aws.Options{
				Config: simaws.Config(simulated.ID, simulated.Home(), simaws.DialClient(cloud.Addr)), Name: simulated.Name,
				Transport: transport.Options{Journal: j, Rate: defaultRate},
			})
		},
		Judge: scan.Judge{Types: set.Compiler.Types(), Programs: set.Of("aws"), Derive: deriveaws.Derive},
		Store: memory{}, Clock: transport.SystemClock{}, Trigger: "manual", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	started := time.Now()
	result, err := scanner.Scan(ctx, nil)
	if err != nil {
		return err
	}
	wall := time.Since(started)
	for _, cell := range result.Cells {
		if cell.State == posture.Failed || cell.State == posture.Denied {
			return fmt.Errorf("%s in %s was not read: %+v", cell.Type, cell.Region, cell.Cause)
		}
	}
	ideal, slowest := makespan(journal.Calls())
	fmt.Printf("%d resources, %d calls; the narrowest is %s\n", result.Snapshot.Resources, result.Calls, slowest)
	fmt.Printf("scan against ideal makespan: wall %.2f s, ideal %.2f s, ratio %.2f\n", wall.Seconds(), ideal.Seconds(), wall.Seconds()/ideal.Seconds())
	return nil
}

// makespan returns the ideal makespan of calls, and the service and region that sets it.
func makespan(calls []posture.Call) (time.Duration, string) {
	counts := map[[2]string]int{}
	for _, c := range calls {
		counts[[2]string{c.Service, c.Region}]++
	}
	var longest time.Duration
	slowest := "none"
	for place, n := range counts {
		limit := defaultRate(place[0])
		beyond := max(0, n-max(1, int(limit)))
		if queue := time.Duration(float64(beyond) / float64(limit) * float64(time.Second)); queue > longest {
			longest, slowest = queue, fmt.Sprintf("%s in %s with %d calls", place[0], place[1], n)
		}
	}
	return 3*latency + longest, slowest
}
