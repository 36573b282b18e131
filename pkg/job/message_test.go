package job_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncreply/asyncreply/pkg/job"
)

func parseID(t testing.TB, text string) job.ID {
	t.Helper()
	id, err := job.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func fullMessage(t testing.TB) *job.Message {
	return &job.Message{
		ID: parseID(t, someID), Operation: "thumbnail", Owner: "ann",
		SubmittedAt: time.Date(2026, 11, 21, 9, 30, 0, 123456789, time.UTC),
		StatusURL:   "https://h/api/RequestStatus/" + someID, Query: "width=64",
		PayloadBlob: "20261121/x", PayloadSize: 1 << 40, Attempt: 3,
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "a=b",
	}
}

// What the envelope's properties say is read back as it was.
func TestPropertiesRoundTrip(t *testing.T) {
	for name, m := range map[string]*job.Message{
		"full":  fullMessage(t),
		"least": {ID: parseID(t, someID), Operation: "a", SubmittedAt: time.Unix(0, 0).UTC(), Attempt: 1},
	} {
		var got job.Message
		if err := got.ReadProperties(m.Properties()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(m, &got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The names of the pattern's own sample are kept to the letter, and a first
// message carries nothing that only a retry or a claim check needs.
func TestPropertyNames(t *testing.T) {
	m := job.Message{ID: parseID(t, someID), Operation: "a", StatusURL: "u", SubmittedAt: time.Unix(0, 0)}
	want := map[string]any{
		"RequestGUID": someID, "RequestSubmittedAt": "1970-01-01T00:00:00Z", "RequestStatusURL": "u", "Operation": "a",
	}
	if diff := cmp.Diff(want, m.Properties()); diff != "" {
		t.Error(diff)
	}
}

// amqpUUID is how an AMQP library may present a uuid.
type amqpUUID [16]byte

func (u amqpUUID) String() string { return job.ID(u).String() }

// Other programs and languages choose other AMQP types for the same thing.
func TestReadPropertiesTakesOtherTypes(t *testing.T) {
	id := parseID(t, someID)
	at := time.Date(2026, 11, 21, 9, 30, 0, 0, time.FixedZone("", 3600))
	for _, guid := range []any{someID, strings.ToUpper(someID), [16]byte(id), amqpUUID(id)} {
		for _, attempt := range []any{int32(2), int64(2), 2, uint32(2), uint64(2)} {
			var m job.Message
			err := m.ReadProperties(map[string]any{
				"RequestGUID": guid, "Operation": "a", "Attempt": attempt, "RequestSubmittedAt": at, "Diagnostic-Id": "trace",
			})
			if err != nil || m.ID != id || m.Attempt != 2 || !m.SubmittedAt.Equal(at) || m.TraceParent != "trace" {
				t.Errorf("%T %T: %+v, %v", guid, attempt, m, err)
			}
		}
	}
}

// A malformed property is named, and the rest is read all the same, so that
// the job can be failed where its caller sees it.
func TestReadPropertiesMistakes(t *testing.T) {
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"RequestGUID", nil, "application property RequestGUID is missing"},
		{"RequestGUID", "x", "application property RequestGUID is not a GUID"},
		{"RequestGUID", [16]byte{}, "application property RequestGUID is not a GUID"},
		{"RequestGUID", 5, "application property RequestGUID is not a GUID"},
		{"Operation", nil, "application property Operation is missing"},
		{"Operation", 5, "application property Operation is"},
		{"Owner", []byte("x"), "application property Owner is not a string"},
		{"RequestSubmittedAt", "yesterday", "application property RequestSubmittedAt is not an RFC 3339 time"},
		{"Attempt", "2", "application property Attempt is not an integer"},
		{"Attempt", int64(0), "application property Attempt is below 1"},
		{"PayloadSize", int32(-1), "application property PayloadSize is below 0"},
		{"PayloadSize", uint64(1 << 63), "application property PayloadSize is not an integer"},
	}
	for _, test := range tests {
		properties := fullMessage(t).Properties()
		properties[test.name] = test.value
		var m job.Message
		err := m.ReadProperties(properties)
		if job.CodeOf(err) != job.CodeInvalidMessage || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %v: %v", test.name, test.value, err)
		}
		if idIsWrong := test.name == "RequestGUID"; m.ID.IsZero() != idIsWrong || m.Query != "width=64" {
			t.Errorf("%s %v: the rest was not read: %+v", test.name, test.value, m)
		}
		if m.Attempt < 1 || m.PayloadSize < 0 {
			t.Errorf("%s %v: out of range: %+v", test.name, test.value, m)
		}
	}
}

// A retry copy has a MessageID of its own, so that duplicate detection keeps
// one copy of each try.
func TestMessageID(t *testing.T) {
	for attempt, want := range map[int]string{0: someID, 1: someID, 2: someID + ":2", 17: someID + ":17"} {
		m := job.Message{ID: parseID(t, someID), Attempt: attempt}
		if got := m.MessageID(); got != want {
			t.Errorf("attempt %d: %s", attempt, got)
		}
	}
}

// A payload has its size wherever it lies.
func TestSize(t *testing.T) {
	inline, checked := job.Message{Body: []byte("abc"), PayloadSize: 9}, job.Message{PayloadBlob: "x", PayloadSize: 9}
	if inline.Size() != 3 || checked.Size() != 9 {
		t.Errorf("got %d, %d", inline.Size(), checked.Size())
	}
}

// No property, however strange, does more than give an error, and what is
// read is in range.
func FuzzReadProperties(f *testing.F) {
	f.Add(someID, "thumbnail", "2026-11-21T09:30:00Z", int64(2), uint64(5), byte(0))
	f.Add("", "", "", int64(-1), uint64(1)<<63, byte(1))
	f.Add("0000000000000000", "a", "x", int64(0), uint64(0), byte(2))
	f.Fuzz(func(t *testing.T, guid, operation, at string, attempt int64, size uint64, kind byte) {
		p := map[string]any{
			"RequestGUID": guid, "Operation": operation, "RequestSubmittedAt": at,
			"Attempt": attempt, "PayloadSize": size, "PayloadBlob": "b",
		}
		switch kind % 3 {
		case 1:
			p["RequestGUID"], p["Attempt"] = []byte(guid), int32(attempt)
		case 2:
			var uuid [16]byte
			copy(uuid[:], guid)
			p["RequestGUID"], p["Attempt"] = uuid, at
		}
		var m job.Message
		err := m.ReadProperties(p)
		if err != nil && job.CodeOf(err) != job.CodeInvalidMessage {
			t.Errorf("code of %v", err)
		}
		if m.Attempt < 1 || m.Size() < 0 || err == nil && (m.ID.IsZero() || m.Operation == "") {
			t.Errorf("%+v, %v", m, err)
		}
	})
}
