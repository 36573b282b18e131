package main

import (
	"os"
	"path/filepath"
)

// Operations that say nothing about any real one, for what those of a
// deployment do not do: keep workers busy, take payloads of any size.
const (
	holdOperation = "hold" // lasts longer than any measurement
	copyOperation = "copy" // its result is its payload
)

const ownOperations = `operations:
  customer:
    contentTypes: [application/json]
    processor: {go: customer}
  ` + holdOperation + `:
    processor:
      exec: {command: [sleep, "1000"]}
  ` + copyOperation + `:
    maxPayload: 8GB
    processor:
      exec: {command: [cat]}
`

// writeOwnOperations writes them to a file and gives its path.
func (b *bench) writeOwnOperations() (string, error) {
	path := filepath.Join(b.logs, "operations.yaml")
	return path, os.WriteFile(path, []byte(ownOperations), 0o600)
}
