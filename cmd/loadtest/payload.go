package main

import (
	"bytes"
	"mime"
	"net/http"
	"os"
	"path/filepath"
)

// Bounds of a generated payload.
const (
	payloadHead = `{"id":"loadtest","customername":"`
	payloadTail = `"}`
	minPayload  = len(payloadHead) + 1 + len(payloadTail)
	maxPayload  = 1 << 30
)

// generate gives JSON of a size, which the operation customer takes.
func generate(size int) []byte {
	name := bytes.Repeat([]byte("Ada "), size/4+1)[:size-len(payloadHead)-len(payloadTail)]
	return append(append([]byte(payloadHead), name...), payloadTail...)
}

// load gives what is to be sent, and its media type.
func (o *options) load() (data []byte, contentType string, err error) {
	if o.payload == "" {
		return generate(o.size), "application/json", nil
	}
	data, err = os.ReadFile(o.payload)
	if contentType = mime.TypeByExtension(filepath.Ext(o.payload)); contentType == "" {
		contentType = http.DetectContentType(data)
	}
	return data, contentType, err
}
