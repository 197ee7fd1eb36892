package redact

import (
	"regexp"
	"strings"
)

// Text returns an error text without its secrets:
//
//   - the value after a secret key and = or : (up to the closing quote, or else up to the next
//     space; after Authorization and Cookie up to the end of the line)
//   - the word after Bearer
//   - the password of a URL
func (r *Redactor) Text(s string) string {
	if len(r.also) == 0 && !hasStem(s) && !strings.Contains(s, "://") {
		return s
	}
	for range 10 { // a removed secret may expose another
		clean := r.pairs(bearers.ReplaceAllStringFunc(urls.ReplaceAllStringFunc(s, redactURL), redactBearer))
		if clean == s {
			break
		}
		s = clean
	}
	return s
}

var (
	urls    = regexp.MustCompile("://[^\\s\"'`]+")
	bearers = regexp.MustCompile("(?i)\\bbearer[ \t]+[^\\s\"'`]+")
)

// redactURL redacts the password of ://user:password@host. The password may hold a slash that
// should have been escaped. A port is not a password.
func redactURL(s string) string {
	s = strings.TrimPrefix(s, "://")
	authority := s
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		authority = s[:end]
	}
	user, rest, _ := strings.Cut(authority, ":")
	at := strings.LastIndexByte(authority, '@')
	if at < 0 && strings.Trim(rest, "0123456789") != "" {
		at = strings.LastIndexByte(s, '@')
	}
	if password := len(user) + 1; at > password {
		s = s[:password] + Placeholder + s[at:]
	}
	return "://" + s
}

func redactBearer(s string) string {
	i := strings.LastIndexAny(s, " \t") + 1
	if strings.EqualFold(s[i:], "token") {
		return s
	}
	return s[:i] + Placeholder + s[tokenEnd(s, i):]
}

// pairs redacts key=value and key: value.
func (r *Redactor) pairs(s string) string {
	var b strings.Builder
	copied := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '=' && s[i] != ':' {
			continue
		}
		start, key := keyBefore(s, i)
		if key == "" || !r.Secret(key) {
			continue
		}
		from, to := valueBehind(s, i, start, key)
		if from < to {
			b.WriteString(s[copied:from])
			b.WriteString(Placeholder)
			copied = to
			i = to - 1
		}
	}
	b.WriteString(s[copied:])
	return b.String()
}

const quotes = "\"'`"

// keyBefore returns the key that ends before i, with or without quotes, and where it starts.
func keyBefore(s string, i int) (start int, key string) {
	end := len(strings.TrimRight(strings.TrimRight(s[:i], " \t"), quotes+`\`))
	start = wordStart(s, end)
	if strings.EqualFold(s[start:end], "key") && start > 0 && s[start-1] == ' ' { // "API key: ..."
		start = wordStart(s, start-1)
	}
	return start, s[start:end]
}

func wordStart(s string, end int) int {
	for end > 0 && (!separates(s[end-1]) || strings.IndexByte("_-.", s[end-1]) >= 0) {
		end--
	}
	return end
}

// valueBehind returns the value after the separator at i, of a key that starts at start.
func valueBehind(s string, i, start int, key string) (from, to int) {
	separator := s[i]
	from = len(s) - len(strings.TrimLeft(s[i:], " \t:=>"))
	value := s[from:]
	unescaped := strings.TrimLeft(value, `\`)
	if unescaped != "" && strings.IndexByte(quotes, unescaped[0]) >= 0 {
		escapes := len(value) - len(unescaped)
		return from + escapes + 1, closingQuote(s, from+escapes+1, unescaped[0], escapes)
	}
	if last, _ := lastWord(key); last == "authorization" || last == "cookie" {
		stops := "\r\n"
		if start > 0 && strings.IndexByte(quotes, s[start-1]) >= 0 {
			stops += s[start-1 : start]
		}
		if to = strings.IndexAny(value, stops); to < 0 {
			to = len(value)
		}
		return from, from + len(strings.TrimRight(value[:to], `\`))
	}
	if separator == ':' && (strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[")) {
		to = bracketEnd(s, from)
		if to == len(s) || strings.IndexByte(" \t\r\n,;}])\\"+quotes, s[to]) >= 0 {
			return from, to
		}
	}
	return from, tokenEnd(s, from)
}

// closingQuote returns the index of the quote that closes a string whose opening quote has
// that many backslashes before it, or the end of the text if it was truncated.
func closingQuote(s string, i int, quote byte, escapes int) int {
	for n := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			n++
			continue
		case s[i] == quote && (n <= escapes || escapes == 0 && n%2 == 0):
			if escapes == 0 { // the backslashes belong to the value
				n = 0
			}
			return i - n
		}
		n = 0
	}
	return i
}

// bracketEnd returns the index after the object or array that begins at i, or the end of the
// text if it was truncated.
func bracketEnd(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '\\', '"':
			escapes := len(s[i:]) - len(strings.TrimLeft(s[i:], `\`))
			if i += escapes; i < len(s) && s[i] == '"' {
				i = closingQuote(s, i+1, '"', escapes) + escapes
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// tokenEnd returns the index after the word that begins at i, without punctuation at its end.
func tokenEnd(s string, i int) int {
	end := strings.IndexAny(s[i:], " \t\r\n"+quotes)
	if end < 0 {
		end = len(s) - i
	}
	if word := strings.TrimRight(s[i:i+end], `,;:)}\`); word != "" {
		return i + len(word)
	}
	return i + end
}
