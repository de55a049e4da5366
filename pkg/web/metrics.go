package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plumbline-dev/plumbline/pkg/store"
)

// metrics are what Prometheus gets; those of the database are read when it asks.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	store    *store.Store
}

var (
	snapshotAge = prometheus.NewDesc("plumbline_snapshot_age_seconds", "Age of the newest sealed snapshot.", []string{"account"}, nil)
	verdicts    = prometheus.NewDesc("plumbline_verdicts", "Verdicts of the newest snapshot.", []string{"account", "result"}, nil)
	findings    = prometheus.NewDesc("plumbline_findings", "Findings by state.", []string{"state"}, nil)
	unread      = prometheus.NewDesc("plumbline_unread_cells", "Cells that the newest snapshot could not read.", []string{"account"}, nil)
	scans       = prometheus.NewDesc("plumbline_scans", "Scans of the last day, and the unfinished ones.", []string{"state"}, nil)
	scanTime    = prometheus.NewDesc("plumbline_scan_seconds", "How long the scans took that were sealed within the last day.", []string{"quantile"}, nil)
	deliveries  = prometheus.NewDesc("plumbline_deliveries", "Deliveries of the last day.", []string{"state"}, nil)
	queued      = prometheus.NewDesc("plumbline_jobs", "Jobs that are not finished.", []string{"kind", "state"}, nil)
	reading     = prometheus.NewDesc("plumbline_metrics_complete", "Whether the database answered everything this time.", nil, nil)
)

func newMetrics(db *store.Store) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), store: db, requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "plumbline_http_request_seconds", Help: "Time to answer requests.", Buckets: prometheus.DefBuckets,
	}, []string{"operation", "code"})}
	m.registry.MustRegister(m, m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 2})
}

func (m *metrics) request(name string, code int, took time.Duration) {
	m.requests.WithLabelValues(name, strconv.Itoa(code)).Observe(took.Seconds())
}

// Describe says which measures there are.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{snapshotAge, verdicts, findings, unread, scans, scanTime, deliveries, queued, reading} {
		out <- d
	}
}

// Collect reads them from the database. What it does not answer is missing, and plumbline_metrics_complete is 0.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	complete := 1.0
	snapshots, err := m.store.Current(ctx, "", time.Time{})
	if err != nil {
		complete = 0
	}
	now := m.store.Clock()
	for _, s := range snapshots {
		account := s.Account.String()
		gauge(snapshotAge, now.Sub(s.Finished).Seconds(), account)
		gauge(verdicts, float64(s.Verdicts.Pass), account, "pass")
		gauge(verdicts, float64(s.Verdicts.Fail), account, "fail")
		gauge(verdicts, float64(s.Verdicts.Unknown), account, "unknown")
		gauge(verdicts, float64(s.Verdicts.DoesNotApply), account, "not_applicable")
	}
	counts, err := m.store.FindingCounts(ctx, "", time.Time{})
	if err != nil {
		complete = 0
	}
	byState := map[string]int{}
	for _, c := range counts {
		byState[string(c.State)] += int(c.Findings)
	}
	for state, n := range byState {
		gauge(findings, float64(n), state)
	}
	measures, err := m.store.Measures(ctx)
	if err != nil {
		complete = 0
	}
	for desc, by := range map[*prometheus.Desc]map[string]int{unread: measures.Unread, scans: measures.Scans, deliveries: measures.Deliveries} {
		for name, n := range by {
			gauge(desc, float64(n), name)
		}
	}
	for quantile, seconds := range measures.ScanTime {
		gauge(scanTime, seconds, quantile)
	}
	jobs, err := m.store.QueueDepth(ctx)
	if err != nil {
		complete = 0
	}
	for job, n := range jobs {
		gauge(queued, float64(n), job[0], job[1])
	}
	gauge(reading, complete)
}
