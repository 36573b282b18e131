package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// payloadSize is the size of a request's JSON.
const payloadSize = 1024

// payload is a request of the operation customer, a quick one whose result is
// the request and a little more.
type payload struct {
	text []byte
	file string
}

func newPayload(dir string) (payload, error) {
	customer := map[string]string{"id": "1", "customername": ""}
	empty, err := json.Marshal(customer)
	if err != nil {
		return payload{}, err
	}
	customer["customername"] = strings.Repeat("n", payloadSize-len(empty))
	text, err := json.Marshal(customer)
	if err != nil {
		return payload{}, err
	}
	p := payload{text: text, file: filepath.Join(dir, "customer.json")}
	return p, os.WriteFile(p.file, text, 0o600)
}
