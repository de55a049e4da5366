package pages

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// segment is a part of a bar.
type segment struct {
	result posture.Result
	x, w   string
}

// barWidth is that of bars, in their own units.
const barWidth = 160

// segments divide a bar in proportion; what there is at all is two units wide at least.
func segments(c posture.Counts) []segment {
	parts := []struct {
		result posture.Result
		n      int
	}{{posture.Fail, c.Fail}, {posture.Unknown, c.Unknown}, {posture.Pass, c.Pass}, {posture.DoesNotApply, c.DoesNotApply}}
	total, small := 0.0, 0.0 // of what is drawn in proportion; width of what is not
	whole := float64(c.Total())
	for _, p := range parts {
		if share := float64(p.n) / max(whole, 1) * barWidth; p.n > 0 && share < 2 {
			small += 2
		} else {
			total += float64(p.n)
		}
	}
	var out []segment
	x := 0.0
	for _, p := range parts {
		if p.n == 0 {
			continue
		}
		w := 2.0
		if float64(p.n)/whole*barWidth >= 2 {
			w = float64(p.n) / total * (barWidth - small)
		}
		out = append(out, segment{p.result, units(x), units(w)})
		x += w
	}
	return out
}

func units(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// trend is a chart of failing and unknown verdicts by day.
type trend struct {
	days  []store.Day
	lines []line
	gaps  []stretch
	ticks []tick // at the left
	dates []tick // below
}

type line struct {
	result posture.Result
	points []string // one for each stretch of days without a gap
	dots   [][2]string
	label  string
	labelY string
}

type stretch struct {
	x, w  string
	title string
}

type tick struct{ at, text string }

// The chart's size, and the room around what is drawn, in its own units.
const (
	chartWidth, chartHeight                              = 720, 200
	chartLeft, chartRight, chartTop, chartBottom         = 46, 110, 12, 26
	plotWidth, plotHeight                        float64 = chartWidth - chartLeft - chartRight, chartHeight - chartTop - chartBottom
)

// newTrend draws the days from one to another. Days on which nothing was read are gaps: no line crosses them.
func newTrend(days []store.Day, from, to time.Time) trend {
	t := trend{days: days}
	from, to = from.Truncate(24*time.Hour), to.Truncate(24*time.Hour)
	if len(days) > 0 && days[0].Day.After(from) { // what is young fills the chart, from a fortnight on
		from = slices.MinFunc([]time.Time{days[0].Day, to.AddDate(0, 0, -13)}, time.Time.Compare)
	}
	n := int(to.Sub(from).Hours()/24) + 1
	top := 1
	for _, d := range days {
		top = max(top, d.Fail, d.Unknown)
	}
	step := niceStep(top)
	top = (top + step - 1) / step * step
	x := func(day time.Time) float64 {
		return chartLeft + (day.Sub(from).Hours()/24+0.5)/float64(n)*plotWidth
	}
	y := func(count int) float64 { return chartTop + plotHeight - float64(count)/float64(top)*plotHeight }
	for count := 0; count <= top; count += step {
		t.ticks = append(t.ticks, tick{units(y(count)), number(count)})
	}
	for i := range 4 {
		day := from.AddDate(0, 0, (n-1)*i/3)
		t.dates = append(t.dates, tick{units(x(day)), day.Format("2 Jan")})
	}
	read := map[time.Time]bool{}
	for _, d := range days {
		read[d.Day] = true
	}
	first := from
	if len(days) > 0 {
		first = days[0].Day // before the first snapshot there is no gap but nothing
	}
	for day := first; !day.After(to); day = day.AddDate(0, 0, 1) {
		if read[day] || day.Equal(to) { // the last day is not over
			continue
		}
		end := day
		for next := end.AddDate(0, 0, 1); next.Before(to) && !read[next]; next = next.AddDate(0, 0, 1) {
			end = next
		}
		left, right := x(day)-plotWidth/float64(n)/2, x(end)+plotWidth/float64(n)/2
		t.gaps = append(t.gaps, stretch{units(left), units(right - left), fmt.Sprintf("nothing was read from %s to %s", day.Format(time.DateOnly), end.Format(time.DateOnly))})
		day = end
	}
	for _, result := range []posture.Result{posture.Fail, posture.Unknown} {
		l := line{result: result}
		var points []string
		for i, d := range days {
			count := d.Fail
			if result == posture.Unknown {
				count = d.Unknown
			}
			if i > 0 && d.Day.Sub(days[i-1].Day) > 24*time.Hour {
				l.points, points = append(l.points, strings.Join(points, " ")), nil
			}
			points = append(points, units(x(d.Day))+","+units(y(count)))
			if i == len(days)-1 {
				l.dots = append(l.dots, [2]string{units(x(d.Day)), units(y(count))})
				l.label, l.labelY = number(count)+" "+string(result), units(y(count)+4)
			}
		}
		if len(points) > 0 {
			l.points = append(l.points, strings.Join(points, " "))
			t.lines = append(t.lines, l)
		}
	}
	if len(t.lines) == 2 { // labels that would lie on each other
		a, _ := strconv.ParseFloat(t.lines[0].labelY, 64)
		b, _ := strconv.ParseFloat(t.lines[1].labelY, 64)
		switch {
		case b-a >= 0 && b-a < 15:
			t.lines[1].labelY = units(a + 15)
		case a-b > 0 && a-b < 15:
			t.lines[0].labelY = units(b + 15)
		}
	}
	return t
}

// niceStep is a round distance of about four ticks up to top.
func niceStep(top int) int {
	for step := 1; ; step *= 10 {
		for _, m := range []int{1, 2, 5} {
			if step*m*4 >= top {
				return step * m
			}
		}
	}
}
