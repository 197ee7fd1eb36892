package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/jsontext"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// document reads one JSON object of a document that others wrote. A field that is
// missing or null reads as nothing; one of the wrong type is added to faults, which
// all objects of a document share, so that one refusal names every fault.
type document struct {
	path   string // where the object lies, such as "ontology."
	values map[string]json.RawMessage
	faults *faults
}

// faults are what is wrong with a document, in the order found.
type faults struct {
	first []error
	more  int // how many came after the first
}

// mostFaults bounds what one refusal says: a document that is nothing but faults can
// have a million.
const mostFaults = 50

func (f *faults) add(err error) {
	if len(f.first) == mostFaults {
		f.more++
		return
	}
	f.first = append(f.first, err)
}

func (f *faults) err() error {
	if f.more > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d faults more", f.more))...)
	}
	return errors.Join(f.first...)
}

// readDocument reads the document's outermost object.
func readDocument(raw []byte) (document, error) {
	f := document{faults: &faults{}}
	switch text := bytes.TrimSpace(raw); {
	case len(text) == 0:
		return f, invalid("", "", nil, "is empty")
	case bytes.HasPrefix(text, []byte("\ufeff")):
		return f, invalid("", "", nil, "is not valid JSON: it begins with a byte order mark")
	case !utf8.Valid(text):
		return f, invalid("", "", nil, "is not valid UTF-8")
	case jsontext.TooDeep(text):
		return f, invalid("", "", nil, fmt.Sprintf("is nested more than %d deep", models.MaxJSONDepth))
	case text[0] != '{' && json.Valid(text):
		return f, invalid("", "", nil, "is no JSON object")
	}
	if err := json.Unmarshal(raw, &f.values); err != nil {
		at := ""
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = fmt.Sprintf(" (byte %d)", syntax.Offset)
		}
		return f, &models.Error{Reason: "is not valid JSON: " + err.Error() + at, Kind: models.ErrInvalid, Err: err}
	}
	return f, repeatedKey(raw)
}

func (f document) refuse(name string, value any, reason string, allowed ...string) {
	f.faults.add(&models.Error{Column: f.path + short(name), Value: value, Reason: reason, Allowed: allowed, Kind: models.ErrInvalid})
}

// find is the first of the named fields that is there and not null.
func (f document) find(names []string) (name string, raw json.RawMessage, ok bool) {
	for _, name := range names {
		if raw, ok := f.values[name]; ok && string(raw) != "null" {
			return name, raw, true
		}
	}
	return "", nil, false
}

func (f document) names() []string { return slices.Sorted(maps.Keys(f.values)) }

// object is the first of the named fields, as an object.
func (f document) object(names ...string) (document, bool) {
	name, raw, ok := f.find(names)
	inner := document{path: f.path + name + ".", faults: f.faults}
	if ok && json.Unmarshal(raw, &inner.values) != nil {
		f.refuse(name, string(raw), "must be an object")
	}
	return inner, ok
}

// text is the first of the named fields, as a string.
func (f document) text(names ...string) (s string) {
	if name, raw, ok := f.find(names); ok && json.Unmarshal(raw, &s) != nil {
		f.refuse(name, string(raw), "must be a string")
	}
	return s
}

// required is a text that must be there.
func (f document) required(name string) string {
	s := f.text(name)
	if _, _, ok := f.find([]string{name}); !ok || (s == "" && string(f.values[name]) == `""`) {
		f.refuse(name, nil, "is missing")
	}
	return s
}

// number is the field as a finite number.
func (f document) number(names ...string) (float64, bool) {
	name, raw, ok := f.find(names)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(raw), 64) // JSON numbers are Go numbers
	if err != nil {
		f.refuse(name, string(raw), "must be a number")
	}
	return v, err == nil
}

// count is the field as a whole number that is not negative; fractions of a
// millisecond or byte are rounded.
func (f document) count(names ...string) (int64, bool) {
	v, ok := f.number(names...)
	if !ok {
		_, _, there := f.find(names)
		return 0, there // refused already if it is there
	}
	name, raw, _ := f.find(names)
	switch {
	case v < 0:
		f.refuse(name, string(raw), "must not be negative")
	case v > 1<<53:
		f.refuse(name, string(raw), "is too large")
	default:
		return int64(math.Round(v)), true
	}
	return 0, true
}

// length is a count, or the number of elements of a list.
func (f document) length(name string) (int64, bool) {
	_, raw, ok := f.find([]string{name})
	if !ok || raw[0] != '[' {
		return f.count(name)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw)) // which keeps no element
	_, err := decoder.Token()
	n := int64(0)
	for element := (json.RawMessage{}); err == nil && decoder.More(); n++ {
		err = decoder.Decode(&element)
	}
	if err != nil {
		f.refuse(name, nil, err.Error())
	}
	return n, true
}
