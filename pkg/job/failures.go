package job

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// tracker notes which jobs are at work in this process.
type tracker struct {
	river.MiddlewareDefaults
	*Service
}

func (t *tracker) Work(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
	t.running(job.ID, true)
	defer t.running(job.ID, false)
	return work(ctx)
}

// failures logs what jobs end with; the queue tries them again.
type failures struct{ log *slog.Logger }

func (f *failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "of", job.MaxAttempts, "error", err)
	return nil
}

func (f *failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "panic", value, "trace", trace)
	return nil
}
