package engine

import (
	"regexp"
	"strings"
)

var (
	// scheme begins a URL, also one that was mistyped or pasted with a blank or a quote.
	scheme = regexp.MustCompile(`(?i)^[\s"']*([a-z][a-z0-9+.-]*://|postgres(ql)?:)`)
	// keywords is how libpq writes a connection without a URL.
	keywords = regexp.MustCompile(`(?i)(^|\s)(password|host|dbname)\s*=`)
)

// Redact is dsn as an error may show it: of what is no path or file: URI only the
// beginning, since the rest may hold a password.
func Redact(dsn string) string {
	switch {
	case strings.HasPrefix(dsn, "file:"):
		return dsn
	case scheme.MatchString(dsn):
		return scheme.FindString(dsn)
	case keywords.MatchString(dsn):
		return "key=value"
	}
	return dsn
}
