package term

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Busy shows a spinner on Err, if that is a terminal, while work of unknown length runs.
// The spinner appears after a second and ends with Idle or the next output.
func (c *Console) Busy(doing string) {
	c.Idle()
	if isTerminal(c.Err) {
		c.spinner = spin(c.Err, doing, time.Second, 100*time.Millisecond)
	}
}

// Idle ends the spinner of Busy, if there is one.
func (c *Console) Idle() {
	if c.spinner != nil {
		c.spinner()
		c.spinner = nil
	}
}

// spin turns a spinner, beginning after a delay. When stop returns, the spinner has been
// removed from w.
func spin(w io.Writer, doing string, delay, every time.Duration) (stop func()) {
	bar := newBar(w, -1, doing, progressbar.OptionSpinnerType(14),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false))
	bar.StartWithoutRender() // starts the clock
	enough := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		next := time.NewTimer(delay)
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
	})
	return func() {
		close(enough)
		running.Wait()
	}
}

// Progress is a bar that shows how much of a task is done. It shows nothing if Err is not a
// terminal. Errors of drawing are ignored.
type Progress struct{ bar *progressbar.ProgressBar }

// Count returns a bar that counts up to total, or without an end if total is -1.
func (c *Console) Count(doing string, total int64) Progress {
	return Progress{newBar(c.Err, total, doing, progressbar.OptionShowCount(), progressbar.OptionSetVisibility(isTerminal(c.Err)))}
}

// CountBytes is like Count, and shows amounts as bytes.
func (c *Console) CountBytes(doing string, total int64) Progress {
	return Progress{newBar(c.Err, total, doing, progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetVisibility(isTerminal(c.Err)))}
}

// newBar returns a bar that is removed when it finishes. It starts no goroutine of its
// own, which would race with Add.
func newBar(w io.Writer, total int64, doing string, opts ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append(opts, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(doing),
		progressbar.OptionClearOnFinish(), progressbar.OptionSetSpinnerChangeInterval(0))...)
}

// Add adds n to the amount that is done.
func (p Progress) Add(n int64) { _ = p.bar.Add64(n) }

// Step shows what is being done, and how much of it is done.
func (p Progress) Step(doing string, n, total int64) {
	p.bar.Describe(doing)
	p.bar.ChangeMax64(total)
	p.Set(n)
}

// Set sets the amount that is done.
func (p Progress) Set(n int64) { _ = p.bar.Set64(n) }

// Clear removes the bar so that a line can be printed. The next Add or Set draws it again.
func (p Progress) Clear() { _ = p.bar.Clear() }

// Finish removes the bar.
func (p Progress) Finish() { _ = p.bar.Finish() }
