// Package operation reads the operations file: the kinds of work that a
// deployment offers, by name. The acceptor takes from it what a request must
// look like, the worker how it is done, both how long it may take.
//
// The file is YAML (JSON is YAML). Every key but the processor has a default:
//
//	operations:
//	  thumbnail:
//	    description: Scales a picture down.
//	    contentTypes: [image/jpeg, image/png, image/gif]
//	    maxPayload: 20MB
//	    parameters:              # of the query string, each a JSON Schema
//	      width: {type: integer, minimum: 1, maximum: 4096, default: 256}
//	    queueTimeout: 1h
//	    attemptTimeout: 1m
//	    retry: {attempts: 3, backoff: 1s, maxBackoff: 1m}
//	    processor:
//	      go: thumbnail
package operation
