package repository

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
)

// outputs are the files that a receipt says an execution wrote: path -> hash as it
// stands there, "" for a file of which it says none.
type outputs map[string]string

// readOutputs finds them in a receipt's JSON, bare or under "receipt":
//
//   - "payload": {"outputs": {path: hash}}, as in ggen's chained log
//   - "files_generated" and "files_modified" as lists of {"path", "hash"}
//   - "files" as a list of paths (or of such objects), beside "hashes": {path: hash}
//
// Without "files", "hashes" are those of the inputs; with it, its keys manifest and
// ontology still are, unless they are named as files. Outputs are known if the hash of
// a file is; ok tells. What is malformed, or no JSON, says nothing.
func readOutputs(raw []byte) (_ outputs, ok bool) {
	doc, err := readDocument(raw)
	if err != nil {
		return nil, false
	}
	if inner, ok := doc.object("receipt"); ok {
		doc = inner
	}
	out := outputs{}
	payload, _ := doc.object("payload")
	written, _ := payload.object("outputs")
	for path := range written.values {
		out.add(path, written.text(path))
	}
	for _, name := range []string{"files_generated", "files_modified", "files"} {
		out.list(doc, name)
	}
	if _, raw, ok := doc.find([]string{"files"}); ok && raw[0] == '[' {
		hashes, _ := doc.object("hashes")
		for path := range hashes.values {
			if _, named := out[path]; named || (path != "manifest" && path != "ontology") {
				out.add(path, hashes.text(path))
			}
		}
	}
	for _, hash := range out {
		ok = ok || hash != ""
	}
	return out, ok && doc.faults.err() == nil
}

// add notes a file; the first hash that is said of it holds.
func (o outputs) add(path, hash string) {
	if o[path] == "" {
		o[path] = hash
	}
}

// list notes the files of a list; a count, or nothing, names none.
func (o outputs) list(doc document, name string) {
	_, raw, ok := doc.find([]string{name})
	if !ok || raw[0] != '[' {
		return
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		doc.refuse(name, nil, err.Error())
	}
	for _, element := range elements {
		file := document{path: doc.path + name + ".", values: map[string]json.RawMessage{"path": element}, faults: doc.faults}
		if element[0] == '{' {
			file, _ = document{values: map[string]json.RawMessage{name: element}, faults: doc.faults}.object(name)
		}
		if path := file.text("path"); path != "" {
			o.add(path, file.text("hash"))
		}
	}
}

// digest is equal for equal outputs.
func (o outputs) digest() (sum [sha256.Size]byte) {
	var b []byte
	for _, path := range slices.Sorted(maps.Keys(o)) {
		for _, text := range []string{path, o[path]} {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return sha256.Sum256(b)
}
