package repository

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// repeatedKey refuses a valid document in which an object holds a key twice, however
// the key is escaped: readers do not agree which of the two counts, so that such a
// receipt would say one thing in the columns and another in receipt_json.
func repeatedKey(doc []byte) error {
	type value struct {
		keys  map[string]bool // of an object; nil for an array
		key   string          // the last one
		atKey bool            // a key comes next, or the end
	}
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	var open []value
	for {
		token, err := decoder.Token()
		if err != nil { // the end
			return nil
		}
		delim, _ := token.(json.Delim)
		last := len(open) - 1
		switch {
		case delim == '}' || delim == ']':
			open = open[:last]
		case last >= 0 && open[last].atKey:
			in := &open[last]
			if in.key, in.atKey = token.(string), false; in.keys[in.key] {
				path := []string{}
				for _, v := range open[:last] {
					if v.keys != nil && len(path) < 5 {
						path = append(path, short(v.key))
					}
				}
				return invalid("", strings.Join(path, "."), nil, fmt.Sprintf("holds the key %q twice", short(in.key)))
			}
			in.keys[in.key] = true
			continue
		case delim == '{':
			open = append(open, value{keys: map[string]bool{}, atKey: true})
			continue
		case delim == '[':
			open = append(open, value{})
			continue
		}
		if last = len(open) - 1; last >= 0 { // a value has ended
			open[last].atKey = open[last].keys != nil
		}
	}
}

// short is a name of a document as a message shows it, at most 80 bytes.
func short(name string) string {
	if len(name) <= 80 {
		return name
	}
	return strings.ToValidUTF8(name[:80], "") + "..."
}
