package rowfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Writer writes rows of a table.
type Writer struct {
	out    *bufio.Writer
	table  *schema.Table
	format Format
	names  []string // the encoded names of the members of JSONL
	field  bytes.Buffer
	encode *json.Encoder // writes to field
}

// NewWriter returns a Writer to out, after writing the header of CSV.
func NewWriter(out io.Writer, f Format, t *schema.Table) *Writer {
	w := &Writer{out: bufio.NewWriterSize(out, 64<<10), table: t, format: f}
	w.encode = json.NewEncoder(&w.field)
	w.encode.SetEscapeHTML(false)
	if f == CSV {
		w.out.WriteString(strings.Join(t.Names(), ",") + "\r\n")
		return w
	}
	for _, name := range t.Names() {
		w.names = append(w.names, `"`+name+`":`)
	}
	return w
}

// Write writes a row. Errors: models.ErrCorrupt for text that is not UTF-8, which neither
// format can hold; the errors of the stream.
func (w *Writer) Write(row schema.Row) error {
	for i, v := range row {
		if s, ok := v.(string); ok && !utf8.ValidString(s) {
			return &models.Error{
				Table: w.table.Name, Column: w.table.Columns[i].Name, Value: s, Kind: models.ErrCorrupt,
				Reason: "is not UTF-8, and cannot be written, in row " + w.table.KeyText(row),
			}
		}
	}
	if w.format == CSV {
		return w.writeCSV(row)
	}
	return w.writeJSON(row)
}

// Flush writes buffered rows to the stream.
func (w *Writer) Flush() error { return w.out.Flush() }

func (w *Writer) writeJSON(row schema.Row) error {
	for i, v := range row {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		w.out.WriteByte(separator)
		w.out.WriteString(w.names[i])
		if v == nil {
			w.out.WriteString("null")
			continue
		}
		s, quoted := text(w.table.Columns[i], v)
		if !quoted {
			w.out.WriteString(s)
			continue
		}
		w.field.Reset()
		if err := w.encode.Encode(s); err != nil {
			return err
		}
		w.out.Write(bytes.TrimSuffix(w.field.Bytes(), []byte("\n")))
	}
	_, err := w.out.WriteString("}\n") // bufio.Writer returns earlier errors here
	return err
}

func (w *Writer) writeCSV(row schema.Row) error {
	for i, v := range row {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if v == nil {
			continue
		}
		s, _ := text(w.table.Columns[i], v)
		if s != "" && !strings.ContainsAny(s, "\",\r\n") {
			w.out.WriteString(s)
			continue
		}
		w.out.WriteByte('"')
		w.out.WriteString(strings.ReplaceAll(s, `"`, `""`))
		w.out.WriteByte('"')
	}
	_, err := w.out.WriteString("\r\n")
	return err
}
