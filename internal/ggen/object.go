package ggen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/jsontext"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// object reads one JSON object of a document. A field that is missing or null reads as
// the zero value. A field of the wrong type is added to faults, which all objects of a
// document share, so that one error names every fault.
type object struct {
	path   string // the object's place in the document, such as "ontology."
	values map[string]json.RawMessage
	faults *faults
}

// faults collects the faults of a document in the order found.
type faults struct {
	first []error
	more  int // faults beyond mostFaults
}

// mostFaults limits the length of an error: a large document can have a million faults.
const mostFaults = 50

// add adds a fault; nil is not one.
func (f *faults) add(err error) {
	switch {
	case err == nil:
	case len(f.first) == mostFaults:
		f.more++
	default:
		f.first = append(f.first, err)
	}
}

func (f *faults) err() error {
	if f.more > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d faults more", f.more))...)
	}
	return errors.Join(f.first...)
}

// readObject reads the outermost object of a document. It rejects documents that are too
// deep or repeat a key.
func readObject(raw []byte) (object, error) {
	o := object{faults: &faults{}}
	switch text := bytes.TrimSpace(raw); {
	case len(text) == 0:
		return o, refuse.Invalid("", "", nil, "is empty")
	case bytes.HasPrefix(text, []byte("\ufeff")):
		return o, refuse.Invalid("", "", nil, "is not valid JSON: it begins with a byte order mark")
	case !utf8.Valid(text):
		return o, refuse.Invalid("", "", nil, "is not valid UTF-8")
	case jsontext.TooDeep(text):
		return o, refuse.Invalid("", "", nil, fmt.Sprintf("is nested more than %d deep", models.MaxJSONDepth))
	case text[0] != '{' && json.Valid(text):
		return o, refuse.Invalid("", "", nil, "is no JSON object")
	}
	if err := json.Unmarshal(raw, &o.values); err != nil {
		at := ""
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = fmt.Sprintf(" (byte %d)", syntax.Offset)
		}
		return o, &models.Error{Reason: "is not valid JSON: " + err.Error() + at, Kind: models.ErrInvalid, Err: err}
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return o, repeatedKey(decoder, nil)
}

func (o object) refuse(name string, value any, reason string, allowed ...string) {
	err := refuse.Invalid("", o.path+short(name), value, reason)
	err.Allowed = allowed
	o.faults.add(err)
}

// find returns the first of the named fields that is present and not null.
func (o object) find(names ...string) (name string, raw json.RawMessage, ok bool) {
	for _, name := range names {
		if raw, ok := o.values[name]; ok && string(raw) != "null" {
			return name, raw, true
		}
	}
	return "", nil, false
}

// has reports whether the field is present and not null.
func (o object) has(name string) bool {
	_, _, ok := o.find(name)
	return ok
}

func (o object) names() []string { return slices.Sorted(maps.Keys(o.values)) }

// object returns the first of the named fields that is present.
func (o object) object(names ...string) (object, bool) {
	name, raw, ok := o.find(names...)
	inner := object{path: o.path + name + ".", faults: o.faults}
	if ok && json.Unmarshal(raw, &inner.values) != nil {
		o.refuse(name, string(raw), "must be an object")
	}
	return inner, ok
}

// text returns the first of the named fields that is present.
func (o object) text(names ...string) (s string) {
	if name, raw, ok := o.find(names...); ok && json.Unmarshal(raw, &s) != nil {
		o.refuse(name, string(raw), "must be a string")
	}
	return s
}

// required returns a text that must be present and not empty.
func (o object) required(name string) string {
	s := o.text(name)
	if !o.has(name) || string(o.values[name]) == `""` {
		o.refuse(name, nil, "is missing")
	}
	return s
}

// texts returns all members of an object of texts.
func (o object) texts() map[string]string {
	texts := make(map[string]string, len(o.values))
	for _, name := range o.names() {
		texts[name] = o.text(name)
	}
	return texts
}

// number returns the first of the named fields that is present, as a finite number.
func (o object) number(names ...string) (float64, bool) {
	name, raw, ok := o.find(names...)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(raw), 64) // every JSON number is a Go number
	if err != nil {
		o.refuse(name, string(raw), "must be a number")
	}
	return v, err == nil
}

// count returns the first of the named fields that is present, as a whole number from 0 to
// 2^53. It rounds fractions of a millisecond or byte. ok reports whether the field is present.
func (o object) count(names ...string) (n int64, ok bool) {
	name, raw, ok := o.find(names...)
	v, valid := o.number(names...)
	switch {
	case !valid: // number has added the fault
	case v < 0:
		o.refuse(name, string(raw), "must not be negative")
	case v > 1<<53:
		o.refuse(name, string(raw), "is too large")
	default:
		n = int64(math.Round(v))
	}
	return n, ok
}

// length returns the number of elements of a list, or the field as a count.
func (o object) length(name string) int64 {
	_, raw, ok := o.find(name)
	if !ok || raw[0] != '[' {
		n, _ := o.count(name)
		return n
	}
	decoder := json.NewDecoder(bytes.NewReader(raw)) // holds one element at a time
	_, _ = decoder.Token()                           // the document is valid
	n := int64(0)
	for element := (json.RawMessage{}); decoder.More() && decoder.Decode(&element) == nil; {
		n++
	}
	return n
}

// nanoseconds returns a required time in nanoseconds since 1970, up to the year 2262.
func (o object) nanoseconds(name string) int64 {
	_, raw, ok := o.find(name)
	if !ok {
		o.refuse(name, nil, "is missing")
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 0 {
		o.refuse(name, string(raw), fmt.Sprintf("must be a whole number of nanoseconds from 0 to %d", int64(math.MaxInt64)))
	}
	return n
}

// hash returns a required field of 64 lower-case hex digits.
func (o object) hash(name string) string {
	s := o.required(name)
	if s != "" && !isHash(s) {
		o.refuse(name, s, "must be 64 lower-case hex digits")
	}
	return s
}

func isHash(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// repeatedKey rejects a valid document in which an object holds a key twice, however the
// key is escaped. JSON readers disagree about which of the two values counts, so the
// columns of such a receipt could contradict its receipt_json. Path is the place of the
// value that the decoder reads next.
func repeatedKey(decoder *json.Decoder, path []string) error {
	token, _ := decoder.Token()
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	keys, inner := map[string]bool{}, path
	for decoder.More() {
		if token == json.Delim('{') {
			t, _ := decoder.Token()
			key, _ := t.(string)
			if keys[key] {
				at := strings.Join(path[:min(len(path), 5)], ".")
				return refuse.Invalid("", at, nil, fmt.Sprintf("holds the key %q twice", short(key)))
			}
			keys[key], inner = true, append(path, short(key))
		}
		if err := repeatedKey(decoder, inner); err != nil {
			return err
		}
	}
	_, _ = decoder.Token() // the end of the object or array
	return nil
}

// short cuts a name of a document to 80 bytes for an error message.
func short(name string) string {
	if len(name) <= 80 {
		return name
	}
	return strings.ToValidUTF8(name[:80], "") + "..."
}
