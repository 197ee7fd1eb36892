package report

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// chromiumEnv names the environment variable with the browser. If it is unset, tests look for
// chromium, and are skipped if it is not installed.
const chromiumEnv = "TIER2_TEST_CHROMIUM"

// chromium starts one browser for all tests at its first call.
var chromium struct {
	sync.Once
	ctx  context.Context
	stop context.CancelFunc
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if chromium.stop != nil {
		chromium.stop()
	}
	os.Exit(code)
}

func startChromium() {
	path := os.Getenv(chromiumEnv)
	if path == "" {
		path, chromium.err = exec.LookPath("chromium")
	}
	if chromium.err != nil {
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	chromium.ctx, chromium.stop = ctx, func() { cancel(); stop() }
	chromium.err = chromedp.Do(ctx)
}

// tab is a page in the browser, with its requests and messages.
type tab struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	requests []string
	noise    []string // messages on the console, and dialogs
	expected string   // a message that a test provokes
}

// show opens a report of d. At the end of the test it checks that the page made no other
// request, opened no dialog and wrote nothing to the console.
func show(t *testing.T, d *Data, before ...func(*tab)) *tab {
	t.Helper()
	chromium.Do(startChromium)
	if chromium.err != nil {
		if os.Getenv(chromiumEnv) == "" {
			t.Skipf("set %s to a Chromium: %v", chromiumEnv, chromium.err)
		}
		require.NoError(t, chromium.err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, d.WriteHTML(f))
	require.NoError(t, f.Close())

	ctx, cancel := chromedp.NewContext(chromium.ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx)) // opens the tab, which must not end with the timeout
	ctx, cancel = context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.heard))
	for _, do := range append([]func(*tab){width(1200)}, before...) {
		do(b)
	}
	b.do(chromedp.Navigate("file://" + path))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		assert.Equal(t, []string{"file://" + path}, b.requests)
		assert.Empty(t, b.noise)
	})
	return b
}

func (b *tab) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		b.noise = append(b.noise, fmt.Sprint("console.", e.Type))
	case *runtime.EventExceptionThrown:
		b.noise = append(b.noise, fmt.Sprint("exception: ", e.ExceptionDetails.Text))
	case *log.EventEntryAdded:
		if b.expected == "" || !strings.Contains(e.Entry.Text, b.expected) {
			b.noise = append(b.noise, e.Entry.Text)
		}
	case *cdppage.EventJavascriptDialogOpening:
		b.noise = append(b.noise, "dialog: "+e.Message)
	}
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

// eval returns the value of a JavaScript expression.
func eval[T any](b *tab, js string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js))
	require.NoError(b.t, err, js)
	return v
}

// width sets the width of the window in CSS pixels.
func width(pixels int64) func(*tab) {
	return func(b *tab) { b.do(chromedp.EmulateViewport(pixels, 900)) }
}

// media emulates a medium ("" is the screen), and media features by name.
func media(medium string, features map[string]string) func(*tab) {
	return func(b *tab) {
		params := emulation.SetEmulatedMediaParams{Media: medium}
		for name, value := range features {
			params.Features = append(params.Features, &emulation.MediaFeature{Name: name, Value: value})
		}
		call(b, emulation.SetEmulatedMedia, params)
	}
}

// call sends a command of the protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, command, params)
	require.NoError(b.t, err)
	return r
}
