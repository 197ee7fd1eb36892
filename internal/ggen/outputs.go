package ggen

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
)

// Outputs maps the path of each file that an execution wrote to the hash in its receipt, as
// written there, or "" if the receipt has none.
type Outputs map[string]string

// ReadOutputs finds the outputs in a receipt's JSON, bare or under "receipt":
//
//   - "payload": {"outputs": {path: hash}}, as in ggen's chained log
//   - "files_generated" and "files_modified" as lists of {"path", "hash"}
//   - "files" as a list of paths (or of such objects), beside "hashes": {path: hash}
//
// Without "files", "hashes" are hashes of the inputs. With "files", the keys manifest and
// ontology still are, unless they are listed as files. ok reports whether the receipt
// holds the hash of at least one file; it is false for malformed documents.
func ReadOutputs(raw []byte) (_ Outputs, ok bool) {
	doc, err := readObject(raw)
	if err != nil {
		return nil, false
	}
	if inner, ok := doc.object("receipt"); ok {
		doc = inner
	}
	out := Outputs{}
	payload, _ := doc.object("payload")
	written, _ := payload.object("outputs")
	for path := range written.values {
		out.add(path, written.text(path))
	}
	for _, name := range []string{"files_generated", "files_modified", "files"} {
		out.addList(doc, name)
	}
	if _, raw, ok := doc.find("files"); ok && raw[0] == '[' {
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

// add adds a file. Of several hashes the first counts.
func (o Outputs) add(path, hash string) {
	if o[path] == "" {
		o[path] = hash
	}
}

// addList adds the files of a list. A field that is a count names no files.
func (o Outputs) addList(doc object, name string) {
	_, raw, ok := doc.find(name)
	if !ok || raw[0] != '[' {
		return
	}
	var elements []json.RawMessage
	_ = json.Unmarshal(raw, &elements) // the document is valid
	for _, element := range elements {
		file := object{path: doc.path + name + ".", values: map[string]json.RawMessage{"path": element}, faults: doc.faults}
		if element[0] == '{' {
			file, _ = object{values: map[string]json.RawMessage{name: element}, faults: doc.faults}.object(name)
		}
		if path := file.text("path"); path != "" {
			o.add(path, file.text("hash"))
		}
	}
}

// Digest returns a hash that is equal for equal outputs.
func (o Outputs) Digest() (sum [sha256.Size]byte) {
	var b []byte
	for _, path := range slices.Sorted(maps.Keys(o)) {
		for _, text := range []string{path, o[path]} {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return sha256.Sum256(b)
}
