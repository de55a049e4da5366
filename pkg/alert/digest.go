package alert

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/config"
)

// News is what has happened since the last digest: alerts that were opened or resolved, worst first in messages.
type News struct {
	Since  time.Time
	Opened []Alert
	Ended  int // alerts resolved
	Held   int // transitions that were held back
	Lost   int // messages given up
}

// MakeDigest returns one message for each receiver of a digest. It is sent when there is nothing new as well: silence would say
// less.
func MakeDigest(d config.Digest, n News, now time.Time) []Delivery {
	m := Message{
		Kind: TellDigest, Count: len(n.Opened), Began: n.Since, Ended: now,
		Title: fmt.Sprintf("Drift digest %s: %s", d.Name, plural(len(n.Opened), "new alert")),
		Lines: []string{fmt.Sprintf("%s resolved, %s held back because they keep changing, %s not delivered.",
			plural(n.Ended, "alert"), plural(n.Held, "transition"), plural(n.Lost, "message"))},
	}
	for _, part := range []struct {
		class Class
		title string
	}{
		{Monitoring, "Monitoring that stopped"}, {Findings, "New and reopened findings"}, {Coverage, "New gaps"}, {Expiry, "Exceptions about to end"},
	} {
		var list []Alert
		for _, a := range n.Opened {
			if a.Class == part.class {
				list = append(list, a)
			}
		}
		slices.SortStableFunc(list, func(a, b Alert) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
		section := Section{Title: fmt.Sprintf("%s: %d", part.title, len(list))}
		for _, a := range list {
			section.Lines = append(section.Lines, Message{Kind: TellOpened, Severity: a.Severity, Title: a.Title, Account: a.Account}.Headline()+", "+a.Status())
		}
		section.Lines = first(section.Lines)
		if len(list) > 0 {
			m.Sections = append(m.Sections, section)
		}
	}
	m = m.Clean()
	var out []Delivery
	for _, r := range d.Receivers {
		key := fmt.Sprintf("%s%s/%s", digestKey(d.Name), r, now.UTC().Format(time.RFC3339))
		out = append(out, Delivery{Receiver: r, Key: key, Created: now, Message: m})
	}
	return out
}

// digestKey is how the keys of a digest's deliveries begin.
func digestKey(name string) string { return "digest/" + name + "/" }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
