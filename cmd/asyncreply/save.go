package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/asyncreply/asyncreply/pkg/client"
)

func (p *program) result(ctx context.Context, args []string) error {
	j, err := p.job(args[0])
	if err != nil {
		return err
	}
	if p.options.json && p.options.out == "" {
		return usage(errors.New("result --json needs --out"))
	}
	return p.fetch(ctx, j, nil)
}

// fetch writes a job's result to where --out says. With --json it tells of
// it, as part of the status if that is known.
func (p *program) fetch(ctx context.Context, j *client.Job, s *client.Status) error {
	r, err := j.Result(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	path, err := p.save(r, j)
	p.bar.stop()
	if err != nil || !p.options.json {
		return err
	}
	if s == nil {
		return p.writeJSON(savedResult{&r.Link, path})
	}
	return p.writeJSON(struct {
		*client.Status
		Result savedResult `json:"result"`
	}{s, savedResult{&r.Link, path}})
}

// savedResult is a result and where it was saved.
type savedResult struct {
	*client.Link
	File string `json:"file"`
}

// save writes a result and gives the path of the file.
func (p *program) save(r *client.Result, j *client.Job) (path string, err error) {
	source := p.bar.saving(r)
	out := p.options.out
	if out == "" || out == "-" {
		if out == "" && isTerminal(p.stdout) && !isText(r.ContentType) {
			return "", usage(fmt.Errorf("the result is %s, nothing for a terminal; save it: asyncreply result %s --out FILE", r.ContentType, j.Token()))
		}
		if isTerminal(p.stdout) {
			p.bar.stop()
			source = r
		}
		_, err := io.Copy(p.stdout, source)
		return "-", err
	}
	info, err := os.Stat(out)
	switch {
	case err == nil && info.IsDir():
		out = filepath.Join(out, fileName(r.FileName, j.ID().String()))
	case err == nil && !info.Mode().IsRegular(): // such as a pipe
		return out, writeTo(out, os.O_WRONLY, source)
	}
	return out, replace(out, source)
}

// replace writes a file that is whole or not there: beside its place first.
func replace(path string, source io.Reader) error {
	part := path + ".part-" + rand.Text()[:8]
	err := writeTo(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, source)
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		os.Remove(part)
	}
	return err
}

func writeTo(path string, flags int, source io.Reader) error {
	f, err := os.OpenFile(path, flags, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, source)
	return errors.Join(err, f.Close())
}

// fileName makes a name in a folder of what the service suggests: without any
// path, and not hidden.
func fileName(suggested, otherwise string) string {
	name := suggested[strings.LastIndexAny(suggested, `/\:`)+1:]
	name = strings.TrimLeft(printable(name), ". ")
	if name == "" {
		return otherwise
	}
	return name
}

// printable leaves out what could do something to a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}

func isText(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.HasPrefix(mediaType, "text/") || strings.HasSuffix(mediaType, "json") || strings.HasSuffix(mediaType, "xml")
}
