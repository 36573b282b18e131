// Package page is what the status service gives to browsers: the page at /,
// on which people submit jobs and follow them, and under /client/ the
// JavaScript client that it is made with.
//
// The page loads nothing from elsewhere, and its Content-Security-Policy lets
// it run nothing but its own files and talk to nobody but the services and the
// storage of results. It works under any path, because its links are relative.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/pkg/client/browser"
)

//go:embed static
var static embed.FS

// Options are the settings of [New]. The zero value makes a page that can
// follow jobs but submit none, and says so.
type Options struct {
	AcceptorURL string   // public URL of the acceptor, or ""
	Origins     []string // further origins that the page may talk to: of results, and of the status service's own links
}

// Page serves the page and the client.
type Page struct {
	policy string
	assets map[string]asset // by path
}

// asset is a file in memory.
type asset struct {
	content     []byte
	contentType string
	etag        string
}

// New makes a Page.
func New(opts *Options) (*Page, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	sources := append([]string{"'self'"}, o.Origins...)
	if o.AcceptorURL != "" {
		u, err := url.Parse(o.AcceptorURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("page: Options.AcceptorURL: %q is not an absolute http or https URL", o.AcceptorURL)
		}
		sources = append(sources, u.Scheme+"://"+u.Host)
	}
	if strings.ContainsAny(strings.Join(sources, ""), ";, ") {
		return nil, errors.New("page: Options.Origins: something in it is no origin")
	}
	p := &Page{policy: contentSecurityPolicy(sources), assets: map[string]asset{}}
	return p, p.load(o)
}

// contentSecurityPolicy lets the page talk to sources.
func contentSecurityPolicy(sources []string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' blob:", // previews of results
		"connect-src " + strings.Join(sources, " "),
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

// load reads all files into memory, and writes the settings into the page.
func (p *Page) load(o Options) error {
	files, err := fs.Sub(static, "static")
	if err != nil {
		return err
	}
	if err := p.add(files, "/page/"); err != nil {
		return err
	}
	if err := p.add(browser.Files, "/client/"); err != nil {
		return err
	}
	index, err := template.ParseFS(files, "index.html")
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := index.Execute(&text, o); err != nil {
		return err
	}
	p.assets["/"] = newAsset("index.html", text.Bytes())
	delete(p.assets, "/page/index.html")
	return nil
}

func (p *Page) add(files fs.FS, prefix string) error {
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		p.assets[prefix+name] = newAsset(name, content)
		return err
	})
}

// types are those of the files. The system's own table may know others.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".ts":   "application/typescript; charset=utf-8",
}

func newAsset(name string, content []byte) asset {
	sum := sha256.Sum256(content)
	contentType := types[path.Ext(name)]
	if contentType == "" {
		contentType = mime.TypeByExtension(path.Ext(name))
	}
	return asset{content: content, contentType: contentType, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// Register adds the routes.
func (p *Page) Register(e *echo.Echo) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for name := range p.assets {
			e.Add(method, name, p.serve)
		}
	}
}

// serve answers with a file, which a browser asks for again each time, and
// gets again only when it has changed.
func (p *Page) serve(c echo.Context) error {
	a := p.assets[c.Path()]
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, a.contentType)
	header.Set(echo.HeaderCacheControl, "no-cache")
	header.Set("ETag", a.etag)
	header.Set(echo.HeaderReferrerPolicy, "no-referrer")
	if c.Path() == "/" {
		header.Set(echo.HeaderContentSecurityPolicy, p.policy)
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(a.content))
	return nil
}
