package status

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// object is a JSON object that is written member by member, as encoding/json
// would with its tags and without HTML's escapes. Polls are the bulk of all
// requests, and their bodies are plain enough to need no reflection.
type object struct{ json []byte }

// sizeOfStatus is what most statuses fit into, in bytes.
const sizeOfStatus = 640

func newObject() *object { return &object{json: append(make([]byte, 0, sizeOfStatus), '{')} }

// end gives the whole, with the newline that a json.Encoder puts behind it.
func (o *object) end() []byte { return append(o.json, '}', '\n') }

// name begins a member. Names are plain.
func (o *object) name(name string) {
	if len(o.json) > 1 {
		o.json = append(o.json, ',')
	}
	o.json = append(o.json, '"')
	o.json = append(o.json, name...)
	o.json = append(o.json, '"', ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	if !plain(value) {
		o.json = append(o.json, encode(value)...)
		return
	}
	o.json = append(o.json, '"')
	o.json = append(o.json, value...)
	o.json = append(o.json, '"')
}

func (o *object) textIfAny(name, value string) {
	if value != "" {
		o.text(name, value)
	}
}

func (o *object) time(name string, value time.Time) {
	o.name(name)
	o.json = append(o.json, '"')
	o.json = value.AppendFormat(o.json, time.RFC3339Nano)
	o.json = append(o.json, '"')
}

func (o *object) timeIfAny(name string, value time.Time) {
	if !value.IsZero() {
		o.time(name, value)
	}
}

func (o *object) integer(name string, value int) {
	o.name(name)
	o.json = strconv.AppendInt(o.json, int64(value), 10)
}

// number writes a number of a size that needs no exponent.
func (o *object) number(name string, value float64) {
	o.name(name)
	o.json = strconv.AppendFloat(o.json, value, 'f', -1, 64)
}

func (o *object) failureIfAny(name string, f *failureBody) {
	if f != nil {
		o.name(name)
		o.json = append(o.json, encode(f)...)
	}
}

// plain reports whether a string is the same in JSON, but for its quotes.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// encode gives what needs encoding/json. Neither strings nor failures, whose
// details were checked when they were stored, can fail.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return []byte("null")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
