package pages

import (
	"cmp"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

// browser is a browser that keeps whatever it complains of.
type browser struct {
	context.Context
	axe      string // the program that looks for barriers
	mu       sync.Mutex
	problems []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	program := cmp.Or(os.Getenv("PLUMBLINE_CHROMIUM"), "/usr/bin/chromium")
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium: run make chromium first, or set PLUMBLINE_CHROMIUM")
		}
		t.Skip("no Chromium: run make chromium, or set PLUMBLINE_CHROMIUM")
	}
	axe := axe(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.Flag("disable-dev-shm-usage", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	b := &browser{Context: ctx, axe: axe}
	err := chromedp.Listen(ctx, func(event any) {
		var problem string
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			for _, argument := range e.Args {
				problem += string(argument.Value) + " "
			}
		case *runtime.EventExceptionThrown:
			problem = e.ExceptionDetails.Text
		case *log.EventEntryAdded: // errors of loading and reports about the content security policy
			problem = e.Entry.Text + " " + e.Entry.URL
		default:
			return
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	})
	if err == nil {
		_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// axe is the text of axe-core, which deploy/scripts/axe.sh fetches.
func axe(t *testing.T) string {
	t.Helper()
	paths := []string{os.Getenv("PLUMBLINE_AXE")}
	if paths[0] == "" {
		paths, _ = filepath.Glob("../../../.cache/axe/axe-*.min.js") // the pattern is well formed
	}
	if len(paths) > 0 {
		text, err := os.ReadFile(paths[len(paths)-1])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no axe-core: run make axe first, or name axe.min.js in PLUMBLINE_AXE")
	}
	t.Skip("no axe-core: run make axe, or name axe.min.js in PLUMBLINE_AXE")
	return ""
}

// barriers fails the test with what keeps people from using the page in the browser: violations of WCAG 2.2 AA, and of axe's own rules,
// that are serious or critical.
func (b *browser) barriers(t *testing.T) {
	t.Helper()
	ask(t, b, chromedp.Evaluate[bool](b.axe+";true"))
	for _, problem := range ask(t, b, chromedp.Evaluate[[]string](lookForBarriers, chromedp.EvalAwaitPromise)) {
		t.Errorf("%s: %s", ask(t, b, chromedp.Title()), problem)
	}
}

const lookForBarriers = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"]}).then(r =>
	r.violations.filter(v => v.impact == "serious" || v.impact == "critical").flatMap(v =>
		v.nodes.map(n => v.impact + " " + v.id + ": " + n.target.join(" ") + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`

// do takes the steps, and fails the test with whatever the browser complains of meanwhile.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ask(t, b, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		return chromedp.Void{}, chromedp.Do(ctx, steps...)
	})
}

// ask is what an action returns.
func ask[T any](t *testing.T, b *browser, action chromedp.Action[T]) T {
	t.Helper()
	ctx, stop := context.WithTimeout(b, time.Minute)
	defer stop()
	answer, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, problem := range b.problems {
		t.Errorf("the browser complains: %s", problem)
	}
	b.problems = nil
	return answer
}

// look is a size of window and what is asked for in it.
type look struct {
	name          string
	width, height int64
	media, scheme string
}

var looks = []look{{"light", 1280, 900, "", "light"}, {"dark", 1280, 900, "", "dark"}, {"phone", 390, 844, "", "light"}, {"print", 800, 1100, "print", "light"}}

func (l look) apply() chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.width, Height: l.height, DeviceScaleFactor: 1, Mobile: l.name == "phone"})
		if err == nil {
			_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Media: l.media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
			})
		}
		return none, err
	}
}

// click follows a link as a person with a keyboard does, and waits for the page that it leads to.
func click(selector chromedp.CSS) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (none chromedp.Void, err error) {
		if _, err := chromedp.RunResponse(ctx, chromedp.Focus(selector), chromedp.KeyEvent("\r")); err != nil {
			return none, fmt.Errorf("follow %s: %w", selector, err)
		}
		return none, nil
	}
}

// TestWalk: from the overview to why a criterion fails, to the finding and the resource, on a desk and on a phone.
func TestWalk(t *testing.T) {
	b := newBrowser(t)
	server := httptest.NewServer(newSite(t))
	defer server.Close()
	for _, l := range []look{looks[0], looks[2]} {
		t.Run(l.name, func(t *testing.T) {
			var text string
			at := func(want string) {
				t.Helper()
				title := ask(t, b, chromedp.Title())
				text = ask(t, b, chromedp.Text(chromedp.CSS("main")))
				if !strings.Contains(title+"\n"+text, want) {
					t.Fatalf("%s: %q is not on this page: %.500s", title, want, text)
				}
				if ask(t, b, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth")) {
					t.Errorf("%s is wider than the window", title)
				}
			}
			b.do(t, l.apply(), chromedp.Navigate(server.URL+"/?as_of=2026-03-05"))
			at("2 verdicts")
			b.do(t, click(`main a[href^="/criteria/CC7.5"]`))
			at("Leaves unproved")
			b.do(t, click(`main a[href^="/findings?"]`))
			at("Buckets keep earlier versions")
			b.do(t, click(`main a[href^="/findings/F-"]`))
			at("What to do")
			b.do(t, click(`main a[href^="/resource?"]`))
			at("Settings")
			if !strings.Contains(text, "not read") {
				t.Error("nothing says what was not read")
			}
			if address := ask(t, b, chromedp.Location()); !strings.Contains(address, "as_of=2026-03-05") {
				t.Errorf("on the way the time was lost: %s", address)
			}
			b.do(t, chromedp.SetValue(chromedp.CSS(`input[name="as_of"]`), "2026-03-01"), click(".time button"))
			at("Versions")
			if address := ask(t, b, chromedp.Location()); !strings.Contains(address, "as_of=2026-03-01") || !strings.Contains(address, "id=") {
				t.Errorf("the time control leads to %s", address)
			}
		})
	}
}

// TestBarriers: no page keeps anybody out who sees, hears or moves otherwise; each text stands out from its ground by 4.5 to 1, large ones
// by 3 to 1, in light and dark.
func TestBarriers(t *testing.T) {
	b := newBrowser(t)
	s := newSite(t)
	s.actor = person("all", access.OnCall, access.Compliance, access.RuleLead, access.Admin) // so that there are forms
	server := httptest.NewServer(s)
	defer server.Close()
	for _, l := range looks[:3] {
		for _, path := range s.everyPage() {
			b.do(t, l.apply(), chromedp.Navigate(server.URL+path))
			if l.name == "phone" { // where most is in each other's way
				b.barriers(t)
			}
			for _, text := range ask(t, b, chromedp.Evaluate[[]string](contrast)) {
				t.Errorf("%s %.100s: %s", l.name, path, text)
			}
		}
	}
}

// contrast lists texts that are hard to read. A ground that is see-through is that of what lies behind.
const contrast = `(() => {
	const channels = c => (c.match(/[\d.]+/g) || []).map(Number);
	const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126*r + 0.7152*g + 0.0722*b; };
	const ground = e => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c.length == 3 || c[3] > 0) return c; } return [255, 255, 255]; };
	const found = new Set();
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()) || !e.checkVisibility() || e.closest("svg")) continue;
		const style = getComputedStyle(e), a = light(channels(style.color)), z = light(ground(e));
		const ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05), size = parseFloat(style.fontSize);
		if (ratio < (size >= 24 || size >= 18.6 && style.fontWeight >= 700 ? 3 : 4.5)) found.add(e.tagName + "." + e.className + " " + e.textContent.slice(0, 40) + ": " + ratio.toFixed(2));
	}
	return [...found];
})()`

// TestScreenshots takes a picture of every page in every look into the folder PLUMBLINE_SCREENSHOTS, for people to look at.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("PLUMBLINE_SCREENSHOTS")
	if folder == "" {
		t.Skip("PLUMBLINE_SCREENSHOTS names no folder")
	}
	b := newBrowser(t)
	s := newSite(t)
	server := httptest.NewServer(s)
	defer server.Close()
	account := "account=" + plumbtest.Account().String()
	for name, path := range map[string]string{
		"overview": "/?as_of=2026-03-06", "findings": "/findings", "finding": "/findings/" + s.finding, "unknown": "/verdicts?result=unknown", "rules": "/rules?used=1",
		"rule": "/rules/" + plumbtest.Rule, "criteria": "/criteria", "criterion": "/criteria/CC7.5", "control": "/controls/storage-versioning", "resources": "/resources?" + account,
		"resource": resourcePath(plumbtest.Account().String(), "logs", "from", "1", "to", "3"), "hostile": resourcePath(odd.String(), breakup), "drift": "/drift?from=2&to=3&" + account,
		"snapshots": "/snapshots", "snapshot": "/snapshot?" + account, "exceptions": "/exceptions", "exception": "/exceptions/1", "alerts": "/alerts",
		"alert": fmt.Sprintf("/alerts/%d", s.alert), "scans": "/scans", "accounts": "/accounts",
	} {
		for _, l := range looks {
			b.do(t, l.apply(), chromedp.Navigate(server.URL+path))
			picture := ask(t, b, chromedp.FullScreenshot(100))
			if err := os.WriteFile(filepath.Join(folder, name+"-"+l.name+".png"), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
