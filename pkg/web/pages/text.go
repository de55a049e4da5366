package pages

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Runes of a text in a table, and before the rest of a long one is folded away.
const (
	shortText = 70
	longText  = 300
)

// cut shortens a text to n runes.
func cut(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	for i := range text {
		if n == 0 {
			return text[:i] + "…"
		}
		n--
	}
	return text
}

// visible shows what a text would hide: bytes that are no character, and those that steer, such as the direction of writing.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				fmt.Fprintf(&b, "⟨byte %02X⟩", text[i])
				continue
			}
			b.WriteRune(r)
		case hidden(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)) || r == utf8.RuneError
}

// brief is a text as tables and links show it.
func brief(text string) string {
	return visible(cut(strings.Join(strings.Fields(cut(text, 4*shortText)), " "), shortText))
}

func long(text string) bool { return utf8.RuneCountInString(text) > longText }

// length says how long a text is.
func length(text string) string { return number(utf8.RuneCountInString(text)) + " characters" }

// number groups thousands: 12 345.
func number(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if rest := len(digits) - i; i > 0 && rest%3 == 0 && digits[i-1] != '-' {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// several is "1 account", "3 accounts".
func several(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

// iso is a time as machines read it.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// stamp is a time as people read it, in UTC, which the head of the page says.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// words is a name of the model for people: fix_claimed becomes "fix claimed".
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// span is a length of time, roughly: "9 days".
func span(d time.Duration) string {
	switch hours := int(d.Hours()); {
	case hours >= 48:
		return several(hours/24, "day")
	case hours >= 1:
		return several(hours, "hour")
	default:
		return several(int(d.Minutes()), "minute")
	}
}

// marks are shapes that tell results apart without colour.
var marks = map[posture.Result]string{posture.Pass: "✓", posture.Fail: "✕", posture.Unknown: "?", posture.DoesNotApply: "–"}

// seconds is how long a scan took.
func seconds(from, to time.Time) string {
	return to.Sub(from).Round(time.Second).String()
}

// told is counts in words, for those who do not see the bar.
func told(c posture.Counts) string {
	return fmt.Sprintf("%d fail, %d unknown, %d pass, %d not applicable", c.Fail, c.Unknown, c.Pass, c.DoesNotApply)
}

func plus(a, b posture.Counts) posture.Counts {
	return posture.Counts{Pass: a.Pass + b.Pass, Fail: a.Fail + b.Fail, Unknown: a.Unknown + b.Unknown, DoesNotApply: a.DoesNotApply + b.DoesNotApply}
}
