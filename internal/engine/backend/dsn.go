package backend

import (
	"regexp"
	"strings"
)

var (
	// scheme matches the beginning of a URL, also of one mistyped or pasted with a blank or a quote.
	scheme = regexp.MustCompile(`(?i)^[\s"']*([a-z][a-z0-9+.-]*://|postgres(ql)?:)`)
	// keywords matches libpq's form of a connection without a URL.
	keywords = regexp.MustCompile(`(?i)(^|\s)(password|host|dbname)\s*=`)
)

// Redact returns dsn as an error may show it. Paths and file: URIs are shown in full, other
// forms only up to where a password may begin.
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
