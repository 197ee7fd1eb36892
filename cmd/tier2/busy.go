package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// busy shows on a terminal that work of unknown length goes on, from its first second on,
// until stop is called, or something is printed by output. Elsewhere it shows nothing.
func (a *app) busy(doing string) (stop func()) {
	a.calm()
	if w := a.terminal(); w != nil {
		a.spinner = sync.OnceFunc(spin(w, doing, time.Second, 100*time.Millisecond))
	}
	return a.calm
}

// calm ends busy.
func (a *app) calm() {
	if a.spinner != nil {
		a.spinner()
		a.spinner = nil
	}
}

// output is stdout for what comes while something may be busy.
func (a *app) output() io.Writer { return calming{a} }

type calming struct{ a *app }

// Write implements io.Writer.
func (o calming) Write(p []byte) (int, error) {
	o.a.calm()
	return o.a.stdout.Write(p)
}

// note says something on stderr, likewise.
func (a *app) note(format string, args ...any) {
	a.calm()
	fmt.Fprintf(a.stderr, "tier2: "+format+"\n", args...)
}

// spin turns a spinner, at first after a while. It is gone when stop returns.
func spin(w io.Writer, doing string, after, every time.Duration) (stop func()) {
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(doing),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false),
		progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0)) // it has no goroutine of its own
	bar.StartWithoutRender() // the clock
	enough, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		next := time.NewTimer(after)
		defer next.Stop()
		shown := false
		for {
			select {
			case <-enough:
				if shown {
					_ = bar.Finish()
				}
				return
			case <-next.C:
				shown = true
				_ = bar.Add(1)
				next.Reset(every)
			}
		}
	}()
	return func() {
		close(enough)
		<-ended
	}
}
