// Package secretscan tells settings that hold a secret in plain text from those that do not, so that only their names need be
// kept. It goes by the form of a value and by what a name says of it: it finds carelessness, not disguise. It does no I/O.
package secretscan

import (
	"encoding/base64"
	"iter"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Names lists the settings that look like secrets, sorted, each once.
func Names(settings iter.Seq2[string, string]) []string {
	names := []string{}
	for name, value := range settings {
		if Suspect(name, value) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Suspect reports whether a setting looks like a secret in plain text: by its value alone, or because its name, or one inside
// the value, calls it one. What only says where a secret is kept is none.
func Suspect(name, value string) bool {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return false
	case Form(value) != "":
		return true
	case points(value) && !strings.ContainsAny(value, " \t\n"):
		return false
	case secretName(name) && !refers(value):
		return true
	}
	return holdsNamed(value) || !identifies(name) && random(value)
}

// holdsNamed reports whether text gives a value to something that it calls a secret: a connection string, a script, JSON.
func holdsNamed(text string) bool {
	for _, found := range named.FindAllStringSubmatchIndex(text, -1) {
		name := text[max(found[2], found[4]):max(found[3], found[5])]
		given := text[found[1]:min(found[1]+longestPair, len(text))]
		if end := strings.IndexAny(given, " \t\r\n\"'\\,;&"); end >= 0 {
			given = given[:end]
		}
		if len(given) >= shortestPair && secretName(name) && !refers(given) {
			return true
		}
	}
	return false
}

// Form names the kind of credential that a value is, or contains, where its form alone gives it away; "" when none does.
func Form(value string) string {
	for _, f := range forms {
		if f.pattern.MatchString(value) {
			return f.kind
		}
	}
	for _, found := range urlPassword.FindAllStringSubmatch(value, -1) {
		if !refers(found[1] + found[2]) {
			return "password in an address"
		}
	}
	for _, encoded := range encodedPEM.FindAllString(value, -1) {
		start, err := base64.StdEncoding.DecodeString(encoded)
		if err == nil && privateKey.Match(start) {
			return "private key"
		}
	}
	return ""
}

var (
	privateKey = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)
	// encodedPEM is the start of a PEM block in base64, cut so that it decodes.
	encodedPEM = regexp.MustCompile(`LS0tLS1CRUdJ(?:[A-Za-z0-9+/]{4}){3,12}`)
	// urlPassword finds the password of scheme://user:password@host, and of user:password@tcp(host).
	urlPassword = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"']*:([^\s/@"']+)@|(?:^|[\s"'=])[^\s:@/"']+:([^\s@/"']+)@(?:tcp|unix)\(`)
	// named finds a name up to where its value begins: "Password=…;", `"token": "…"`, "--api-key …".
	named = regexp.MustCompile(`([A-Za-z][\w.-]*)["'\\]*\s*(?:=>|:=|[:=])\s*["'\\]*|(?:^|\s)--?([A-Za-z][\w-]*)\s+["']?`)
)

// How long a secret inside a longer value is: shorter words are mostly prose, and more need not be looked at.
const (
	shortestPair = 6
	longestPair  = 200
)

var forms = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"private key", privateKey},
	{"AWS access key", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)},
	{"Google API key", regexp.MustCompile(`\bAIza[\w-]{35}`)},
	{"Google OAuth secret", regexp.MustCompile(`\bGOCSPX-[\w-]{20,}|\bya29\.[\w-]{20,}`)},
	{"GitHub token", regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_\w{22,}`)},
	{"GitLab token", regexp.MustCompile(`\bglpat-[\w-]{20,}`)},
	{"Slack token", regexp.MustCompile(`\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w+`)},
	{"Stripe key", regexp.MustCompile(`\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}`)},
	{"SendGrid key", regexp.MustCompile(`\bSG\.[\w-]{16,}\.[\w-]{16,}`)},
	{"package registry token", regexp.MustCompile(`\bnpm_[A-Za-z0-9]{36}|\bpypi-[\w-]{40,}`)},
	{"model API key", regexp.MustCompile(`\bsk-(?:[a-z]+\d*-)*\w{32,}|\bhf_[A-Za-z0-9]{30,}`)},
	{"Azure key", regexp.MustCompile(`(?i)\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}|\bsig=[A-Za-z0-9%]{40,}`)},
	{"JWT", regexp.MustCompile(`\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}`)},
}

// secretName reports whether a name says that its value is a secret: DB_PASSWORD, apiKey, and not SECRET_NAME or MAX_TOKEN.
func secretName(name string) bool {
	w := words(name)
	if len(w) == 0 || starts[w[0]] || abouts[w[len(w)-1]] {
		return false
	}
	for i, word := range w {
		if secretWords[word] || i == len(w)-1 && word == "pass" || i > 0 && word == "key" && keyKinds[w[i-1]] {
			return true
		}
		for _, end := range []string{"password", "passwd", "secret", "apikey", "accesstoken", "authtoken", "secretkey", "privatekey"} {
			if strings.HasSuffix(word, end) {
				return true
			}
		}
	}
	return false
}

var (
	secretWords = set("password passwords passwd passphrase pwd secret secrets token credential credentials creds")
	// keyKinds are the kinds of key that are secret; a partition key or a public key is none.
	keyKinds = set("api access account auth encryption hmac master private secret session shared signing storage subscription webhook")
	// starts begin names of numbers, and of what everybody may know.
	starts = set("max min num public")
	// abouts end names of what is said about a secret, or of where it is.
	abouts = set("algorithm alg arn attempts audience bucket class count days dir disabled enabled endpoint env exp expiration expires expiry " +
		"field file filename format header host hours id ids interval issuer kind length lifetime limit location manager max min minute " +
		"minutes mode name names namespace path policy port prefix project provider ref region resource retries rotation rule scope seconds " +
		"service size source store suffix table timeout ttl type uri url user username vault version")
	// identifiers are in names of what is random without being secret.
	identifiers = set("arn build cert certificate checksum commit digest etag fingerprint hash id ids image public revision sha sha1 sha256 uuid version")
)

func set(list string) map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		out[word] = true
	}
	return out
}

func identifies(name string) bool {
	return slices.ContainsFunc(words(name), func(w string) bool { return identifiers[w] })
}

// words splits DB_PASSWORD, db-password, dbPassword and DBPassword alike.
func words(name string) []string {
	var out []string
	runes := []rune(name)
	start := 0
	cut := func(end int) {
		if end > start {
			out = append(out, strings.ToLower(string(runes[start:end])))
		}
		start = end
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut(i)
			start = i + 1
		case i > start && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			cut(i)
		}
	}
	cut(len(runes))
	return out
}

var (
	// pointers begin names of what is kept elsewhere, and what is filled in later.
	pointers = regexp.MustCompile(`^(?i:[$%]\{|\$\(|\{\{|<|@microsoft\.keyvault\(|arn:|projects/|secretmanager:|(?:gcp-)?sm:|ssm:|vault:|op://|file:|gs://|s3://)`)
	// places are variables, and paths whose first part is a plain word: base64 that begins with a slash is none.
	places   = regexp.MustCompile(`^(?:\$[A-Z_][A-Z0-9_]*|%[A-Z_]+%|(?:~|\.{1,2})?/[a-z._-]{2,}(?:/[\w.@-]*)*)$`)
	switches = set("true false yes no on off none null nil undefined enabled disabled required optional default")
)

// points reports whether a value stands for another: a variable, a path, a name in a store of secrets.
func points(value string) bool { return pointers.MatchString(value) || places.MatchString(value) }

// refers reports whether a value points elsewhere, or is an address, a switch or a small number: no secret, whatever its name.
func refers(value string) bool {
	if strings.HasPrefix(value, "--") { // the next option: this one has no value
		return true
	}
	value = strings.Trim(value, `"'`)
	return value == "" || points(value) || strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://") ||
		switches[strings.ToLower(value)] || len(value) < 4 && strings.Trim(value, "0123456789.") == ""
}

var (
	pemBlock  = regexp.MustCompile(`-----BEGIN [^-]*-----[^-]*(?:-----END [^-]*-----)?`)
	uuid      = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b`)
	publicKey = regexp.MustCompile(`\bAAAA[BCE][23][NV][A-Za-z0-9+/]+={0,2}|LS0tLS1CRUdJ[A-Za-z0-9+/]+={0,2}`) // of SSH, and PEM in base64
)

// random reports whether a value holds a long string that nobody would choose: a key. Addresses, digests and what is public by
// its form are left out.
func random(value string) bool {
	if strings.Contains(value, "://") || strings.Contains(value, "sha256:") {
		return false
	}
	for _, known := range []*regexp.Regexp{pemBlock, uuid, publicKey} {
		value = known.ReplaceAllString(value, " ")
	}
	return slices.ContainsFunc(strings.FieldsFunc(value, func(r rune) bool { return !inKeys(r) }), randomRun)
}

// inKeys reports whether a character is one of those that base64, its form for addresses, and hexadecimal use.
func inKeys(r rune) bool {
	return r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("+/_-", r))
}

const (
	shortestRandom = 32  // characters
	mixedBits      = 4.3 // a character, of base64: a random string of 32 has 4.7 or so, words and paths have 4.1 at most
	plainBits      = 3.1 // a character, of letters and digits without any sign between them: random hexadecimal has 3.6 or so
)

func randomRun(run string) bool {
	if len(run) < shortestRandom {
		return false
	}
	var upper, lower, sign bool
	digits := 0
	for _, r := range run {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digits++
		default:
			sign = true
		}
	}
	bits := entropy(run)
	return digits > 0 && upper && lower && bits >= mixedBits || digits > 3 && (upper || lower) && !sign && bits >= plainBits
}

// entropy is Shannon's, in bits a character.
func entropy(text string) float64 {
	var counts [256]float64
	for i := range len(text) {
		counts[text[i]]++
	}
	var bits float64
	for _, n := range counts {
		if n > 0 {
			p := n / float64(len(text))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
