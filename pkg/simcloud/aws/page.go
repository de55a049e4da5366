package aws

import (
	"context"
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/wire"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// page cuts an output that holds whole lists to the page its input asks for, and sets the token of the next.
// Several lists in one output count as one, in the model's order. An output whose token is set was cut by its handler.
func (s *Server) page(ctx context.Context, op *wire.Operation, input, output any) error {
	if op.Paging == nil {
		return nil
	}
	in, out := member(reflect.ValueOf(input).Elem()), member(reflect.ValueOf(output).Elem())
	next := out(op.Paging.OutputToken)
	if !next.IsValid() || next.Kind() != reflect.Pointer || !next.IsNil() {
		return nil
	}
	token := text(in(op.Paging.InputToken))
	start, err := parseToken(token, op.Name)
	if err != nil {
		return err
	}
	size := s.options.PageSize
	if limit := reflect.Indirect(in(op.Paging.Limit)); limit.IsValid() && limit.CanInt() && limit.Int() > 0 {
		size = min(size, int(limit.Int()))
	}
	end, total := start+size, 0
	for _, name := range op.Paging.Results {
		list := out(name)
		if !list.IsValid() || list.Kind() != reflect.Slice {
			continue
		}
		from, to := clamp(start-total, list.Len()), clamp(end-total, list.Len())
		total += list.Len()
		list.Set(list.Slice3(from, to, to))
	}
	more := end < total
	if !more && start > 0 && fault.Takes(ctx, fault.MissingPage) {
		return badToken(token)
	}
	if more && fault.Takes(ctx, fault.RepeatedToken) {
		end = start
	}
	if more {
		next.Set(reflect.ValueOf(makeToken(end, op.Name)).Convert(next.Type()))
	}
	if flag := out(op.Paging.More); flag.IsValid() {
		if flag.Kind() == reflect.Pointer {
			flag.Set(reflect.New(flag.Type().Elem()))
			flag = flag.Elem()
		}
		flag.SetBool(more)
	}
	return nil
}

// member returns a lookup of fields by their model name. An empty or unknown name gives the zero Value.
func member(v reflect.Value) func(string) reflect.Value {
	return func(name string) reflect.Value {
		if name == "" {
			return reflect.Value{}
		}
		return v.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
	}
}

func text(v reflect.Value) string {
	if v = reflect.Indirect(v); v.IsValid() {
		return v.String()
	}
	return ""
}

func clamp(n, length int) int { return max(0, min(n, length)) }

// makeToken names the page that starts at an offset. Tokens are opaque to clients and good for one operation.
func makeToken(offset int, operation string) *string {
	token := base64.RawURLEncoding.EncodeToString([]byte(operation + ":" + strconv.Itoa(offset)))
	return &token
}

func parseToken(token, operation string) (int, error) {
	if token == "" {
		return 0, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, badToken(token)
	}
	name, number, _ := strings.Cut(string(plain), ":")
	offset, err := strconv.Atoi(number)
	if err != nil || name != operation || offset < 0 {
		return 0, badToken(token)
	}
	return offset, nil
}

func badToken(token string) error { return &badTokenError{token} }

// badTokenError is a page token the operation did not hand out; each service has its own code for it.
type badTokenError struct{ token string }

func (e *badTokenError) Error() string {
	return "The page token " + strconv.Quote(e.token) + " is not valid."
}

// in gives the error the operation's own code where its model has one.
func (e *badTokenError) in(call *wire.Call) Error {
	refusal := commonOf(call).badToken
	if code, status, ok := call.Operation.ErrorLike("NextToken", "Marker"); ok {
		refusal.Code, refusal.Status = code, status
	}
	refusal.Message = e.Error()
	return refusal
}
