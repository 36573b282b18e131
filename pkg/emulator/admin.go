package emulator

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

// Bounds of a management request.
const (
	adminTimeout  = 30 * time.Second
	adminBodySize = 1 << 20
	adminPageSize = 100 // entities in a page unless fewer are asked for, as on Azure
)

// admin is the management API of Service Bus, ATOM over HTTP
// (https://learn.microsoft.com/rest/api/servicebus/entity-management-operations), for queues, and Microsoft's emulator's
// /health. As there, no authorization is asked for.
type admin struct {
	namespace *queue.Namespace
	logger    *slog.Logger
}

func newAdminServer(n *queue.Namespace, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           (&admin{n, logger}).routes(),
		ReadHeaderTimeout: adminTimeout,
		ReadTimeout:       adminTimeout,
		WriteTimeout:      adminTimeout,
		IdleTimeout:       2 * adminTimeout,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

func (a *admin) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", a.health)
	mux.HandleFunc("GET /$Resources/{kind}", a.handle(a.list))
	mux.HandleFunc("GET /{queue...}", a.handle(a.get))
	mux.HandleFunc("PUT /{queue...}", a.handle(a.put))
	mux.HandleFunc("DELETE /{queue...}", a.handle(a.delete))
	return mux
}

func (a *admin) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = io.WriteString(w, `{"status":"healthy","message":"Service is healthy."}`)
}

// handle makes an HTTP handler of one that gives a status and the document to answer with, or an error.
func (a *admin) handle(do func(*http.Request) (int, any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, adminBodySize)
		status, document, err := do(r)
		if err != nil {
			status, document = describeError(err)
		}
		a.logger.Debug("admin", "method", r.Method, "path", r.URL.Path, "status", status)
		writeXML(w, status, document)
	}
}

func (a *admin) get(r *http.Request) (int, any, error) {
	q, err := a.find(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, newEntry(r, q), nil
}

// put creates a queue, or updates it when If-Match says that there is one.
func (a *admin) put(r *http.Request) (int, any, error) {
	var body entry
	if err := xml.NewDecoder(r.Body).Decode(&body); err != nil {
		return 0, nil, &adminError{http.StatusBadRequest, "40000", "The body is not an ATOM entry: " + err.Error()}
	}
	if body.Content.Queue == nil {
		return 0, nil, &adminError{http.StatusBadRequest, "40000", "Only queues are supported: the entry has no QueueDescription."}
	}
	if r.Header.Get("If-Match") == "" {
		return a.create(r, body.Content.Queue)
	}
	return a.update(r, body.Content.Queue)
}

func (a *admin) create(r *http.Request, d *queueDescription) (int, any, error) {
	p, err := d.properties(r.PathValue("queue"))
	if err != nil {
		return 0, nil, err
	}
	q, err := a.namespace.Create(p)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, newEntry(r, q), nil
}

// update replaces a queue's description; what the new one leaves out gets its default.
func (a *admin) update(r *http.Request, d *queueDescription) (int, any, error) {
	q, err := a.find(r)
	if err != nil {
		return 0, nil, err
	}
	p, err := d.properties(q.Path())
	if err != nil {
		return 0, nil, err
	}
	if d.RequiresDuplicateDetection == nil {
		p.RequiresDuplicateDetection = q.Properties().RequiresDuplicateDetection
	}
	if err := a.namespace.Update(p); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, newEntry(r, q), nil
}

func (a *admin) delete(r *http.Request) (int, any, error) {
	q, err := a.find(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, nil, a.namespace.Delete(q.Path())
}

// list gives a page of queues. Of the other kinds of entities there are none.
func (a *admin) list(r *http.Request) (int, any, error) {
	skip, skipErr := parameter(r, "$skip", 0)
	top, topErr := parameter(r, "$top", adminPageSize)
	if err := errors.Join(skipErr, topErr); err != nil {
		return 0, nil, &adminError{http.StatusBadRequest, "40000", err.Error()}
	}
	var queues []*queue.Queue
	if strings.EqualFold(r.PathValue("kind"), "Queues") {
		queues = a.namespace.List()
	}
	queues = queues[min(skip, len(queues)):]
	queues = queues[:min(top, adminPageSize, len(queues))]
	return http.StatusOK, newFeed(r, queues), nil
}

func parameter(r *http.Request, name string, absent int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s %.20q is not a number", name, text)
	}
	return int(n), nil
}

func (a *admin) find(r *http.Request) (*queue.Queue, error) {
	name := r.PathValue("queue")
	q, ok := a.namespace.Lookup(name)
	if !ok || q.IsDeadLetter() {
		return nil, fmt.Errorf("entity %.300q: %w", name, queue.ErrNotFound)
	}
	return q, nil
}
