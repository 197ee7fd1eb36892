package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"sync"

	"github.com/dustin/go-humanize"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed charts.js
	chartsJS string
	//go:embed tables.js
	tablesJS string
	//go:embed echarts/echarts.min.js
	echartsJS string
)

// page holds the values for page.html: the data, and the styles and scripts of this package,
// which are not escaped.
type page struct {
	*Data
	CSS                     template.CSS
	ECharts, Charts, Tables template.JS
}

// parsed returns the template page.html.
var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"comma": humanize.Comma, "milliseconds": milliseconds, "value": value, "percent": percent, "share": share,
		"moment": moment, "bucket": bucketName, "all": executions, "short": short,
	}).Parse(pageHTML))
})

// policy returns a Content-Security-Policy that allows only the styles and scripts of this
// package, and no requests.
var policy = sync.OnceValue(func() string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return fmt.Sprintf("default-src 'none'; script-src %s %s %s; style-src %s; base-uri 'none'; form-action 'none'",
		hash(echartsJS), hash(chartsJS), hash(tablesJS), hash(pageCSS))
})

// Policy returns the Content-Security-Policy of the page.
func (page) Policy() string { return policy() }

// WriteHTML writes the page of the data to w. Errors: those of w.
func (d *Data) WriteHTML(w io.Writer) error {
	var b bytes.Buffer // html/template writes many small pieces
	err := parsed().Execute(&b, page{d, template.CSS(pageCSS), template.JS(echartsJS), template.JS(chartsJS), template.JS(tablesJS)})
	if err != nil {
		return err
	}
	_, err = b.WriteTo(w)
	return err
}

// milliseconds formats a duration for people.
func milliseconds(ms int64) string {
	switch x := float64(ms); {
	case ms < 1000:
		return fmt.Sprintf("%d ms", ms)
	case ms < 60_000:
		return humanize.FtoaWithDigits(x/1000, 2) + " s"
	case ms < 3_600_000:
		return humanize.FtoaWithDigits(x/60_000, 1) + " min"
	default:
		return humanize.FtoaWithDigits(x/3_600_000, 1) + " h"
	}
}

// value formats a measurement with few digits.
func value(v float64, unit string) string {
	text := humanize.FtoaWithDigits(v, 2)
	if v != 0 && v < 0.01 && v > -0.01 || v > 1e12 || v < -1e12 {
		text = fmt.Sprintf("%.3g", v)
	}
	if unit == "" {
		return text
	}
	return text + " " + unit
}

// share returns the ratio of part to whole, 0 to 1, and 0 if whole is 0.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// percent formats the ratio of part to whole with one digit. Only exact values are formatted
// as 100 % or 0 %.
func percent(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	p := 100 * share(part, whole)
	switch {
	case part == whole || part == 0:
		return fmt.Sprintf("%.0f %%", p)
	case p > 99.9:
		return "> 99.9 %"
	case p < 0.1:
		return "< 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

// moment formats a time to the second.
func moment(t models.Timestamp) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t, t.UTC().Format("2006-01-02 15:04:05")))
}

// bucketName formats the start of a bucket as charts.js does.
func bucketName(b repository.TimelineBucket) string {
	if b.End.Sub(b.Start.Time).Hours() >= 24 {
		return b.Start.UTC().Format("2006-01-02")
	}
	return b.Start.UTC().Format("2006-01-02 15:04")
}

// short returns the beginning of a hash, long enough to identify it.
func short(hash string) string {
	const digits = 12
	if r := []rune(hash); len(r) > digits {
		return string(r[:digits]) + "…"
	}
	return hash
}
