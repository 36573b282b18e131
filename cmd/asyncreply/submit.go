package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/client"
)

// types are what system tables of media types do not agree on.
var types = map[string]string{
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".txt": "text/plain; charset=utf-8",
	".json": "application/json", ".xml": "application/xml",
}

func (p *program) submit(ctx context.Context, args []string) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	if p.options.out != "" && !p.options.wait {
		return usage(errors.New("--out needs --wait"))
	}
	r := &client.Request{
		Operation: args[0], Parameters: p.options.parameters.Values,
		ContentType: p.options.contentType, IdempotencyKey: p.options.key,
	}
	closeFile, err := p.openPayload(ctx, r, args[1:])
	if err != nil {
		return err
	}
	defer closeFile()
	j, err := c.Submit(ctx, r)
	if err != nil {
		return err
	}
	if p.options.wait {
		return p.finish(ctx, j, true)
	}
	p.bar.stop()
	if p.options.json {
		return p.writeJSON(j.Seen())
	}
	_, err = fmt.Fprintln(p.stdout, j.Token())
	return err
}

// openPayload gives the request its payload, and says what it is if the flags
// do not.
func (p *program) openPayload(ctx context.Context, r *client.Request, args []string) (closeFile func(), err error) {
	closeFile = func() {}
	switch {
	case p.options.data != "" && len(args) > 0:
		return nil, usage(errors.New("there is both --data and a file"))
	case p.options.data != "":
		r.Body = strings.NewReader(p.options.data)
		describe(r, "", []byte(p.options.data))
		return closeFile, nil
	case len(args) == 0:
		return closeFile, nil
	case args[0] == "-":
		buffered := bufio.NewReader(&interruptible{ctx: ctx, source: p.stdin})
		head, err := buffered.Peek(512)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		r.Body = buffered
		describe(r, "", head)
		return closeFile, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder", args[0])
	}
	head := make([]byte, 512)
	n := 0
	if err == nil && info.Mode().IsRegular() {
		n, err = f.ReadAt(head, 0)
	}
	if err != nil && err != io.EOF {
		f.Close()
		return nil, err
	}
	r.Body = p.bar.sending(f, info)
	describe(r, args[0], head[:n])
	return func() { f.Close() }, nil
}

// describe sets the content type by the name of the file, or by how the
// payload begins.
func describe(r *client.Request, name string, head []byte) {
	extension := strings.ToLower(filepath.Ext(name))
	trimmed := bytes.TrimSpace(head)
	switch {
	case r.ContentType != "":
	case types[extension] != "":
		r.ContentType = types[extension]
	case mime.TypeByExtension(extension) != "":
		r.ContentType = mime.TypeByExtension(extension)
	case bytes.HasPrefix(trimmed, []byte("{")) || bytes.HasPrefix(trimmed, []byte("[")):
		r.ContentType = "application/json"
	default:
		r.ContentType = http.DetectContentType(head)
	}
}

func (p *program) operations(ctx context.Context, _ []string) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	all, err := c.Operations(ctx)
	if err != nil {
		return err
	}
	for _, o := range all {
		if p.options.json {
			err = p.writeJSON(o)
		} else {
			_, err = fmt.Fprintf(p.stdout, "%s\t%s\n", o.Name, o.Description)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
