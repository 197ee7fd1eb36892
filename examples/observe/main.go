// Observe makes the work of a store visible: errors and slow statements go to log/slog,
// and each statement becomes an OpenTelemetry span below the span of the program's own
// work.
//
//	cd examples/observe && go run .
//
// It is a module of its own, so that tier2 itself does not depend on OpenTelemetry.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"gorm.io/gorm/logger"
	"gorm.io/plugin/opentelemetry/tracing"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "observe:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	folder, err := os.MkdirTemp("", "tier2-observe-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)

	// A real program uses an exporter such as otlptracegrpc, with a batcher.
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	defer func() { err = errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx))) }()

	if err := watched(ctx, filepath.Join(folder, "tier2.db"), out, provider); err != nil {
		return err
	}
	show(out, spans.GetSpans())
	return nil
}

// watched opens a store with logging and tracing, and uses it.
func watched(ctx context.Context, path string, out io.Writer, provider *sdktrace.TracerProvider) (err error) {
	store, err := tier2.Open(ctx, path,
		tier2.WithLogger(logger.NewSlogLogger(slog.New(handler(out)), logger.Config{
			LogLevel:             logger.Warn, // and logger.Info for every statement
			SlowThreshold:        time.Minute,
			ParameterizedQueries: true, // omits values from the log
		})))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	// The plugin traces writes through DB(), updates of repositories, and reads inside a
	// transaction. It does not trace the pool for other reads, the statements of the hooks
	// and the constant SQL by which repositories create rows; the logger gets the latter.
	err = store.DB().Use(tracing.NewPlugin(tracing.WithTracerProvider(provider),
		tracing.WithoutMetrics(), tracing.WithoutQueryVariables())) // omits values from the spans
	if err != nil {
		return err
	}

	ctx, span := provider.Tracer("observe").Start(ctx, "build")
	defer span.End()
	receipt := models.Receipt{
		ExecutionID: "build-1", AgentID: "builder", Operation: models.OperationGeneration, Status: models.ReceiptPassed,
		Metrics: []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StagePassed, DurationMS: 40}},
	}
	if err := store.DB().WithContext(ctx).Create(&receipt).Error; err != nil {
		return err
	}
	again := models.Receipt{ExecutionID: "build-1", AgentID: "builder", Operation: models.OperationGeneration, Status: models.ReceiptPassed}
	if err := store.DB().WithContext(ctx).Create(&again).Error; !errors.Is(err, models.ErrDuplicate) {
		return fmt.Errorf("build-1 was recorded twice: %w", err)
	}
	return store.Transaction(ctx, func(tx *tier2.Store) error {
		if err := tx.Memory.RecordError(ctx, "builder", "build-1 was there already"); err != nil {
			return err
		}
		return tx.Memory.ResetRetries(ctx, "builder")
	})
}

// handler returns a handler that omits times and statements, so that the output is short.
func handler(out io.Writer) slog.Handler {
	return slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" || a.Key == "sql" {
			return slog.Attr{}
		}
		return a
	}})
}

// show prints the spans, each with its parent, in the order in which they ended.
func show(out io.Writer, spans tracetest.SpanStubs) {
	names := map[string]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID().String()] = s.Name
	}
	for _, s := range spans {
		fmt.Fprintf(out, "span %q", s.Name)
		if parent, ok := names[s.Parent.SpanID().String()]; ok {
			fmt.Fprintf(out, " in %q", parent)
		}
		for _, a := range s.Attributes {
			if a.Key == "db.rows_affected" {
				fmt.Fprintf(out, ", %d rows", a.Value.AsInt64())
			}
		}
		if s.Status.Description != "" {
			fmt.Fprintf(out, ", failed: %s", s.Status.Description)
		}
		fmt.Fprintln(out)
	}
}
