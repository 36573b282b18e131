package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Operation is what a service offers.
type Operation struct {
	Name         string                     `json:"name"`
	Description  string                     `json:"description,omitempty"`
	ContentTypes []string                   `json:"contentTypes,omitempty"` // none: any
	MaxPayload   int64                      `json:"maxPayload"`             // bytes
	Parameters   map[string]json.RawMessage `json:"parameters,omitempty"`   // each a JSON Schema; none: any
	Schema       json.RawMessage            `json:"schema,omitempty"`       // JSON Schema of the payload
}

// Operations lists what the acceptor offers.
func (c *Client) Operations(ctx context.Context) ([]Operation, error) {
	if c.acceptor == "" {
		return nil, errors.New("client: there is no acceptor to ask")
	}
	target, err := url.Parse(c.acceptor + "/api")
	if err != nil {
		return nil, err
	}
	q := &call{method: http.MethodGet, url: target}
	response, err := c.persist(ctx, func() (*http.Response, error) { return c.send(ctx, q) }, always)
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, problemOf(response)
	}
	var answer struct{ Operations []Operation }
	err = decode(response, &answer)
	return answer.Operations, err
}
