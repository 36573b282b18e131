package acceptor_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/asyncreply/asyncreply/pkg/acceptor"
	"github.com/asyncreply/asyncreply/pkg/blobstore"
	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/localazure/localazuretest"
)

var _ acceptor.Payloads = (*blobstore.Container)(nil)

// payloadStore gives an empty payload container in Azurite, and a function
// that names the blobs in it.
func payloadStore(t *testing.T) (*blobstore.Container, func() []string) {
	t.Helper()
	client, err := azblob.NewClientFromConnectionString(localazuretest.Storage(t).ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	name := localazuretest.Name(t)
	payloads := blobstore.New(client, &blobstore.Options{PayloadContainer: name}).Payloads()
	if err := payloads.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return payloads, func() []string {
		t.Helper()
		names := []string{}
		for pager := client.NewListBlobsFlatPager(name, nil); pager.More(); {
			page, err := pager.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Segment.BlobItems {
				names = append(names, *item.Name)
			}
		}
		return names
	}
}

func pattern(size int) []byte {
	content := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(content)
	return content
}

// TestClaimCheck states that a payload of any size reaches the worker byte by
// byte: in the message up to the inline limit, in a blob above it, whether its
// length was announced or not.
func TestClaimCheck(t *testing.T) {
	const inline = acceptor.DefaultInlineLimit
	payloads, _ := payloadStore(t)
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads}, nil)
	for _, size := range []int{0, 1, 4095, 4096, 4097, inline - 1, inline, inline + 1, 3*inline + 7, 9 << 20} {
		for _, inChunks := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, in chunks %v", size, inChunks), func(t *testing.T) {
				content := pattern(size)
				var body io.Reader = bytes.NewReader(content)
				if inChunks {
					body = chunked{body}
				}
				if got := s.post("/api/anything", body, "Content-Type", "application/x-test"); got.StatusCode != http.StatusAccepted {
					t.Fatalf("answered %s: %s", got.Status, got.body)
				}
				messages := sent.sent()
				checkPayload(t, payloads, messages[len(messages)-1], content, size > inline)
			})
		}
	}
}

func checkPayload(t *testing.T, payloads *blobstore.Container, m job.Message, want []byte, inBlob bool) {
	t.Helper()
	if !inBlob {
		if m.PayloadBlob != "" || !bytes.Equal(m.Body, want) {
			t.Errorf("message has %d bytes and claim check %q, want %d bytes", len(m.Body), m.PayloadBlob, len(want))
		}
		return
	}
	if name := m.ID.Day() + "/" + m.ID.String(); m.PayloadBlob != name || len(m.Body) > 0 || m.PayloadSize != int64(len(want)) {
		t.Fatalf("message has %d bytes, claim check %q of %d bytes, want %q of %d", len(m.Body), m.PayloadBlob, m.PayloadSize, name, len(want))
	}
	if m.TimeToLive > time.Hour || m.TimeToLive < time.Hour-time.Minute {
		t.Errorf("time to live %v, want an hour less the upload", m.TimeToLive)
	}
	content, info, err := payloads.Open(t.Context(), m.PayloadBlob, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	stored, err := io.ReadAll(content)
	if err != nil || !bytes.Equal(stored, want) || info.ContentType != "application/x-test" {
		t.Errorf("blob has %d bytes of %s, %v, want %d", len(stored), info.ContentType, err, len(want))
	}
}

// TestLargeDocument states that a payload that a schema looks at is checked
// whole also when it does not fit a message.
func TestLargeDocument(t *testing.T) {
	payloads, blobs := payloadStore(t)
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads}, nil)
	document := "[" + strings.Repeat("1,", 300<<10/2) + "1]"
	if got := s.post("/api/large-document", strings.NewReader(`{"x":"`+document+`"}`), asJSON...); got.StatusCode != http.StatusBadRequest {
		t.Errorf("an object where a list belongs: %s", got.Status)
	}
	if got := s.post("/api/large-document", strings.NewReader(document), asJSON...); got.StatusCode != http.StatusAccepted {
		t.Fatalf("a list: %s %s", got.Status, got.body)
	}
	if m := sent.sent()[0]; m.PayloadSize != int64(len(document)) || len(blobs()) != 1 {
		t.Errorf("claim check of %d bytes, blobs %v", m.PayloadSize, blobs())
	}
}

// TestBrokenUploads states that an upload that is too large, breaks off or has
// no message in the end leaves neither message nor blob.
func TestBrokenUploads(t *testing.T) {
	large := bytes.Repeat([]byte("x"), acceptor.DefaultInlineLimit+1)
	t.Run("larger than the operation takes", func(t *testing.T) {
		payloads, blobs := payloadStore(t)
		sent := &queue{}
		s := start(t, acceptor.Options{Sender: sent, Payloads: payloads, InlineLimit: 100}, nil)
		if got := s.post("/api/small", chunked{bytes.NewReader(large)}); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("answered %s", got.Status)
		}
		if left := blobs(); len(left) > 0 || len(sent.sent()) > 0 {
			t.Errorf("left %v and %d messages", left, len(sent.sent()))
		}
	})
	t.Run("breaks off", func(t *testing.T) {
		payloads, blobs := payloadStore(t)
		put := &watchedPayloads{Payloads: payloads, deleted: make(chan string, 1)}
		sent := &queue{}
		s := start(t, acceptor.Options{Sender: sent, Payloads: put}, nil)
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /api/anything HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", 2*len(large), large)
		conn.Close()
		receive(t, put.deleted)
		if left := blobs(); len(left) > 0 || len(sent.sent()) > 0 {
			t.Errorf("left %v and %d messages", left, len(sent.sent()))
		}
	})
	t.Run("not sent", func(t *testing.T) {
		payloads, blobs := payloadStore(t)
		s := start(t, acceptor.Options{Payloads: payloads, Sender: &queue{fail: func(context.Context, *job.Message) error {
			if len(blobs()) != 1 {
				t.Error("no payload at the time of the send")
			}
			return job.ErrBusy
		}}}, nil)
		if got := s.post("/api/anything", bytes.NewReader(large)); got.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("answered %s", got.Status)
		}
		if left := blobs(); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	})
}

// watchedPayloads tells of deletions.
type watchedPayloads struct {
	acceptor.Payloads
	deleted chan string
}

func (w *watchedPayloads) Delete(ctx context.Context, name string) error {
	err := w.Payloads.Delete(ctx, name)
	w.deleted <- name
	return err
}

// TestStoreGone states that a payload that cannot be stored is a 503, never a
// 202 nor the caller's fault.
func TestStoreGone(t *testing.T) {
	client, err := azblob.NewClientFromConnectionString(localazuretest.Storage(t).ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	payloads := blobstore.New(client, &blobstore.Options{PayloadContainer: "never-made"}).Payloads()
	sent := &queue{}
	s := start(t, acceptor.Options{Sender: sent, Payloads: payloads, InlineLimit: 10}, nil)
	got := s.post("/api/anything", strings.NewReader("more than ten bytes"))
	if p := decode[problem](t, got); got.StatusCode != 503 || p.Code != job.CodeServerBusy || got.Header.Get("Retry-After") == "" {
		t.Errorf("answered %s: %s", got.Status, got.body)
	}
	if len(sent.sent()) > 0 {
		t.Error("the message was sent without its payload")
	}
}
