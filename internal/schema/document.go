package schema

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// appendDocument writes a JSON document so that equal values give equal bytes: keys
// sorted, of a repeated one the last, as PostgreSQL's jsonb keeps it; numbers by
// value, exactly, however they are written. What Go cannot read stays as it is.
func appendDocument(b []byte, text string) []byte {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return append(b, text...)
	}
	return appendJSON(b, v)
}

func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case json.Number:
		return append(b, number(string(v))...)
	case string:
		return strconv.AppendQuote(b, v)
	case []any:
		b = append(b, '[')
		for _, element := range v {
			b = append(appendJSON(b, element), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, key := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, key), ':')
			b = append(appendJSON(b, v[key]), ',')
		}
		return append(b, '}')
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}

// number is the value of a JSON number as its digits, without zeros at either end,
// and the power of ten of the last: 1e2, 100 and 100.0 are "1e2". Zero has no sign.
func number(text string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	power := new(big.Int)
	if exponent != "" {
		power.SetString(strings.TrimPrefix(exponent, "+"), 10)
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimRight(whole+fraction, "0")
	power.Add(power, big.NewInt(int64(len(whole)-len(digits)))) // of the last digit kept
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		return "0"
	}
	if negative {
		digits = "-" + digits
	}
	return digits + "e" + power.String()
}
