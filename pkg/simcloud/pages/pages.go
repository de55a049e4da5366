// Package pages cuts the lists in JSON answers of simulated clouds into pages.
package pages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// ErrToken is returned for a token that no page was given, and for the last page's when that page is to be missing.
var ErrToken = errors.New("the page token is not valid")

// Page cuts the list in an answer's member to the page that token names; method is what the token is good for. next names the
// page after it, "" for none.
func Page(ctx context.Context, answer map[string]json.RawMessage, member, method, token string, size int) (next string, err error) {
	start, err := parse(token, method)
	if err != nil {
		return "", err
	}
	total, cut, err := cutList(answer[member], start, start+size)
	if err != nil {
		return "", err
	}
	end := min(start+size, total)
	more := end < total
	if !more && start > 0 && fault.Takes(ctx, fault.MissingPage) {
		return "", ErrToken
	}
	if more && fault.Takes(ctx, fault.RepeatedToken) {
		end = start
	}
	delete(answer, member)
	if cut != nil {
		answer[member] = cut
	}
	if more {
		next = base64.RawURLEncoding.EncodeToString([]byte(method + ":" + strconv.Itoa(end)))
	}
	return next, nil
}

// cutList returns the elements [from, to) of an array, or of a map in the order of its keys, and how many there are in all.
func cutList(list json.RawMessage, from, to int) (int, json.RawMessage, error) {
	if len(list) == 0 || string(list) == "null" {
		return 0, nil, nil
	}
	if list[0] == '[' {
		var elements []json.RawMessage
		if err := json.Unmarshal(list, &elements); err != nil {
			return 0, nil, err
		}
		n := len(elements)
		cut, err := json.Marshal(elements[min(from, n):min(to, n)])
		return n, cut, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(list, &members); err != nil {
		return 0, nil, err
	}
	keys := slices.Sorted(maps.Keys(members))
	n := len(keys)
	some := map[string]json.RawMessage{}
	for _, k := range keys[min(from, n):min(to, n)] {
		some[k] = members[k]
	}
	cut, err := json.Marshal(some)
	return n, cut, err
}

// parse returns where a page starts. Tokens are opaque to clients and good for one method.
func parse(token, method string) (int, error) {
	if token == "" {
		return 0, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(token)
	name, number, _ := strings.Cut(string(plain), ":")
	offset, bad := strconv.Atoi(number)
	if err != nil || bad != nil || name != method || offset < 0 {
		return 0, ErrToken
	}
	return offset, nil
}
