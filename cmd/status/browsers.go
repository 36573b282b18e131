package main

import (
	"github.com/labstack/echo/v4"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/openapi"
	"github.com/asyncreply/asyncreply/pkg/page"
	"github.com/asyncreply/asyncreply/pkg/web"
)

// forBrowsers lets pages of the allowed origins call the service, and adds the
// service's own page with the client for JavaScript, and its description.
func (s *service) forBrowsers(e *echo.Echo) error {
	cors, err := web.CORS(&web.CORSOptions{AllowedOrigins: s.cfg.AllowedOrigins})
	if err != nil {
		return settings.Wrong("CORS_ALLOWED_ORIGINS", err)
	}
	e.Use(cors)
	own, err := web.OriginOf(s.cfg.StatusBaseURL)
	if err != nil {
		return settings.Wrong("STATUS_BASE_URL", err)
	}
	results, err := web.OriginOf(s.storage.Blobs.URL())
	if err != nil {
		return err
	}
	p, err := page.New(&page.Options{AcceptorURL: s.cfg.AcceptorBaseURL, Origins: []string{own, results}})
	if err != nil {
		return settings.Wrong("ACCEPTOR_BASE_URL", err)
	}
	p.Register(e)
	description, err := openapi.Status(version)
	if err != nil {
		return err
	}
	description.Register(e)
	return nil
}
