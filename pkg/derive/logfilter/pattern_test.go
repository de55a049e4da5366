package logfilter

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

const event = `{"eventName":"StopLogging","code":404,"ratio":-1.5,"yes":true,"no":false,"nothing":null,"text":"404","quote":"a \"b\" \\",
	"address":"10.0.7.9","identity":{"type":"Root"},"list":["a","b",{"flag":1}],"empty":[],"numbers":[1,20,300],"odd.name":"x"}`

func TestMatches(t *testing.T) {
	for pattern, want := range map[string]bool{
		`{ $.eventName = "StopLogging" }`:                         true,
		`{$.eventName=StopLogging}`:                               true,
		`{ $.eventName = "stoplogging" }`:                         false, // case counts
		`{ $.eventName = "Stop*" }`:                               true,
		`{ $.eventName = *Logging }`:                              true,
		`{ $.eventName = "S*p*ing" }`:                             true,
		`{ $.eventName = "S*x*ing" }`:                             false,
		`{ $.eventName = "*" }`:                                   true,
		`{ $.eventName = "Stop" }`:                                false,
		`{ $.eventName != "StopLogging" }`:                        false,
		`{ $.eventName != "Stop*" }`:                              false,
		`{ $.eventName != "StartLogging" }`:                       true,
		`{ $.eventName = %^Stop[A-Z]% }`:                          true,
		`{ $.eventName != %^Start% }`:                             true,
		`{ $.quote = "a \"b\" \\" }`:                              true,
		`{ $.address = 10.0.* }`:                                  true,
		`{ $.missing = "*" }`:                                     false,
		`{ $.missing != "x" }`:                                    false, // a missing property fits no comparison
		`{ $.nothing != "x" }`:                                    false,
		`{ $.identity = "*" }`:                                    false, // nor does an object
		`{ $.identity.type = Root }`:                              true,
		`{ $.identity.type.deeper = Root }`:                       false,
		`{ $['identity'].type = "Root" }`:                         true,
		`{ $["odd.name"] = "x" }`:                                 true,
		`{ $.code = 404 }`:                                        true,
		`{ $.code = 404.0 }`:                                      true,
		`{ $.code = 4.04e2 }`:                                     true,
		`{ $.code = 4* }`:                                         true,
		`{ $.code = "404" }`:                                      true,
		`{ $.text = 404 }`:                                        true,
		`{ $.code != 404 }`:                                       false,
		`{ $.code > 403 }`:                                        true,
		`{ $.code >= 404 }`:                                       true,
		`{ $.code < 404 }`:                                        false,
		`{ $.code <= 404 }`:                                       true,
		`{ $.ratio < -1 }`:                                        true,
		`{ $.ratio = -1.50 }`:                                     true,
		`{ $.text > 1 }`:                                          false, // text is no number
		`{ $.yes IS TRUE }`:                                       true,
		`{ $.no IS TRUE }`:                                        false,
		`{ $.no is false }`:                                       true,
		`{ $.nothing IS FALSE }`:                                  false,
		`{ $.nothing IS NULL }`:                                   true,
		`{ $.missing IS NULL }`:                                   false,
		`{ $.missing NOT EXISTS }`:                                true,
		`{ $.nothing NOT EXISTS }`:                                false,
		`{ $.eventName EXISTS }`:                                  true,
		`{ $.missing EXISTS }`:                                    false,
		`{ $.list[0] = "a" }`:                                     true,
		`{ $.list[1] = "a" }`:                                     false,
		`{ $.list[9] = "a" }`:                                     false,
		`{ $.list[9] NOT EXISTS }`:                                true,
		`{ $.list[*] = "b" }`:                                     true,
		`{ $.list[*] = "c" }`:                                     false,
		`{ $.list[*].flag = 1 }`:                                  true,
		`{ $.numbers[*] > 299 }`:                                  true,
		`{ $.empty[*] EXISTS }`:                                   false,
		`{ $.list = "a" }`:                                        false,
		`{ $.yes IS TRUE || $.no IS TRUE && $.missing EXISTS }`:   true, // && binds closer
		`{ ($.yes IS TRUE || $.no IS TRUE) && $.missing EXISTS }`: false,
		`{ $.missing EXISTS && $.no IS TRUE || $.yes IS TRUE }`:   true,
		`{ (($.code = 404)) && (($.yes IS TRUE) && ($.no IS FALSE)) }`: true,
		"{\n($.code = 404)\n&&\t$.yes IS TRUE }  ":                     true,
		``:                                true,
		`   `:                             true,
		`StopLogging`:                     true,
		`"eventName":"StopLogging"`:       true,
		`"\"eventName\":\"StopLogging\""`: true,
		`StartLogging`:                    false,
		`StopLogging Root`:                true,
		`StopLogging Admin`:               false,
		`StopLogging -Root`:               false,
		`StopLogging -Admin`:              true,
		`-Admin`:                          true,
		`?StartLogging ?StopLogging`:      true,
		`?StartLogging ?Other`:            false,
		`Root ?Other`:                     true, // optional terms are ignored beside others
		`%Stop[A-Z]% -%[0-9]{9}%`:         true,
		`{ $.eventName = StopLogging && $.eventName != %x% || $.a EXISTS }`: true,
	} {
		t.Run(pattern, func(t *testing.T) {
			p, err := Parse(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Matches([]byte(event)); got != want {
				t.Errorf("as text: %v", got)
			}
			var decoded any
			if err := json.Unmarshal([]byte(event), &decoded); err != nil {
				t.Fatal(err)
			}
			if got := p.Matches(decoded); got != want {
				t.Errorf("decoded: %v", got)
			}
			again, err := Parse(p.String())
			if err != nil || !reflect.DeepEqual(p, again) {
				t.Errorf("%s reads as %s, %v", p, again, err)
			}
		})
	}
}

func TestMatchesTextThatIsNotJSON(t *testing.T) {
	for pattern, want := range map[string]bool{`{ $.a NOT EXISTS }`: false, `ERROR`: true, `-ERROR`: false} {
		p, err := Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matches([]byte("ERROR 42")); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		pattern string
		offset  int
	}{
		"space-delimited fields":          {`[ip, user]`, 0},
		"nothing in braces":               {`{ }`, 2},
		"a missing brace":                 {`{ $.a = 1`, 9},
		"text after the end":              {`{ $.a = 1 } x`, 12},
		"a missing parenthesis":           {`{ ($.a = 1 }`, 11},
		"a parenthesis too many":          {`{ $.a = 1) }`, 9},
		"a selector without a name":       {`{ $. = 1 }`, 4},
		"a bare dollar":                   {`{ $ = 1 }`, 3},
		"no selector":                     {`{ a = 1 }`, 2},
		"no operator":                     {`{ $.a }`, 6},
		"an unknown operator":             {`{ $.a ~ 1 }`, 6},
		"no value":                        {`{ $.a = }`, 8},
		"order of texts":                  {`{ $.a > "b" }`, 8},
		"order of expressions":            {`{ $.a < %b% }`, 8},
		"a quotation that does not end":   {`{ $.a = "b }`, 8},
		"an expression that does not end": {`{ $.a = %b }`, 8},
		"a broken expression":             {`{ $.a = %[% }`, 8},
		"a sub-pattern":                   {`{ $.a = %(b)% }`, 9},
		"a single ampersand":              {`{ $.a = 1 & $.b = 2 }`, 10},
		"a dangling or":                   {`{ $.a = 1 || }`, 13},
		"is, nothing":                     {`{ $.a IS }`, 9},
		"not, nothing":                    {`{ $.a NOT }`, 10},
		"an index that is a word":         {`{ $.a[b] = 1 }`, 6},
		"an index that is not closed":     {`{ $.a[0 = 1 }`, 8},
		"a sign without a term":           {`ERROR -`, 7},
		"single quotes around a value":    {`{ $.a = 'b' }`, 8},
		"text that is not UTF-8":          {"\xff", 0},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Parse(test.pattern)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("read as %s, error %v", p, err)
			}
			if syntax.Offset != test.offset {
				t.Errorf("offset %d, want %d: %v", syntax.Offset, test.offset, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		``, `{ $.a = "b" }`, `{ ($.a = 1) && ($.b != "x*") || $.c[0].d IS NULL }`, `{ $.a NOT EXISTS || $["x y"] EXISTS }`,
		`{ $.a[*] >= -1.5e3 && $.b = %^a[0-9]+$% }`, `ERROR -"not this" ?either %re%`, `[a, b]`, `{ $.a = "\"\\" }`, `?a ?-b --c`,
		`{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }`, "{ $.a = x\u00a0 }", `-?x`, `{$.a=1||$.b=2&&$.c=3}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := Parse(pattern)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(pattern) {
				t.Fatalf("error without a position: %v", err)
			}
			return
		}
		again, err := Parse(p.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", pattern, p, err)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("%q is printed as %q, which reads as %q", pattern, p, again)
		}
		if p.Matches([]byte(event)) != again.Matches([]byte(event)) {
			t.Fatal("the printed pattern matches differently")
		}
	})
}
