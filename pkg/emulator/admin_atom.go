package emulator

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"time"

	"github.com/asyncreply/asyncreply/pkg/emulator/internal/queue"
)

const (
	atomNamespace     = "http://www.w3.org/2005/Atom"
	instanceNamespace = "http://www.w3.org/2001/XMLSchema-instance"
	entityNamespace   = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"
	countNamespace    = "http://schemas.microsoft.com/netservices/2011/06/servicebus"
)

// entry is the ATOM entry of one queue, in requests and answers (RFC 4287).
type entry struct {
	XMLName   xml.Name `xml:"entry"`
	Namespace string   `xml:"xmlns,attr,omitempty"`
	ID        string   `xml:"id"`
	Title     text     `xml:"title"`
	Published string   `xml:"published"`
	Updated   string   `xml:"updated"`
	Author    string   `xml:"author>name"`
	Link      link     `xml:"link"`
	Content   content  `xml:"content"`
}

type text struct {
	Type  string `xml:"type,attr"`
	Value string `xml:",chardata"`
}

type link struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
}

type content struct {
	Type  string            `xml:"type,attr"`
	Queue *queueDescription `xml:"QueueDescription"`
}

// feed is a page of entries.
type feed struct {
	XMLName   xml.Name `xml:"feed"`
	Namespace string   `xml:"xmlns,attr"`
	Title     text     `xml:"title"`
	ID        string   `xml:"id"`
	Updated   string   `xml:"updated"`
	Link      link     `xml:"link"`
	Entries   []*entry `xml:"entry"`
}

func newEntry(r *http.Request, q *queue.Queue) *entry {
	d := describe(q)
	self := address(r, "/"+q.Path())
	return &entry{
		Namespace: atomNamespace,
		ID:        self,
		Title:     text{"text", q.Path()},
		Published: d.CreatedAt,
		Updated:   d.UpdatedAt,
		Author:    microsoftNamespace,
		Link:      link{"self", self},
		Content:   content{"application/xml", d},
	}
}

func newFeed(r *http.Request, queues []*queue.Queue) *feed {
	self := address(r, r.URL.Path)
	f := &feed{
		Namespace: atomNamespace,
		Title:     text{"text", "Queues"},
		ID:        self,
		Updated:   timestamp(time.Now()),
		Link:      link{"self", self},
	}
	for _, q := range queues {
		f.Entries = append(f.Entries, newEntry(r, q))
	}
	return f
}

// address gives the URL of a path for the one who asked.
func address(r *http.Request, path string) string {
	u := *r.URL
	u.Scheme, u.Host, u.Path = "http", r.Host, path
	return u.String()
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.0000000Z07:00") }

// writeXML answers with a document, or with a status alone when there is none.
func writeXML(w http.ResponseWriter, status int, document any) {
	if document == nil {
		w.WriteHeader(status)
		return
	}
	var body bytes.Buffer
	body.WriteString(xml.Header)
	if err := xml.NewEncoder(&body).Encode(document); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType(document))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

func contentType(document any) string {
	switch document.(type) {
	case *entry:
		return "application/atom+xml;type=entry;charset=utf-8"
	case *feed:
		return "application/atom+xml;type=feed;charset=utf-8"
	}
	return "application/xml; charset=utf-8"
}
