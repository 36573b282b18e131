package job_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/asyncreply/asyncreply/pkg/job"
)

func ExampleIssuer() {
	ring, err := job.ParseKeyRing("c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==")
	if err != nil {
		log.Fatal(err)
	}
	id := job.NewIssuer(ring, nil).Issue("ann")

	// Whoever holds the keys can tell the id from a forged one without
	// reading storage.
	fmt.Println(ring.Verify(id, "ann"), ring.Verify(id, "bob"))
	// Output: true false
}

func ExampleParseID() {
	_, err := job.ParseID("42")
	fmt.Println(errors.Is(err, &job.Error{Code: job.CodeInvalidID}), err)

	id, err := job.ParseID("019aa567-5c00-8a1b-9c2d-3e4f50617283")
	fmt.Println(id.Time(), err)
	// Output:
	// true InvalidRequestGuid: "42" is not a RequestGUID
	// 2025-11-21 07:53:25.76 +0000 UTC <nil>
}

func ExampleRecord() {
	submitted := time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
	message := &job.Message{Operation: "thumbnail", SubmittedAt: submitted}

	record := job.Claim(message, submitted.Add(time.Second))
	record, _ = record.Succeed(job.Result{Blob: "20261121/x", Size: 512}, submitted.Add(2*time.Second))
	fmt.Println(record.Status, record.FinishedAt.Sub(record.SubmittedAt))

	_, err := record.Cancel(submitted.Add(3 * time.Second))
	fmt.Println(job.CodeOf(err))
	// Output:
	// Succeeded 2s
	// Conflict
}

func ExampleMessage_ReadProperties() {
	var m job.Message
	err := m.ReadProperties(map[string]any{
		"RequestGUID":        "019aa567-5c00-8a1b-9c2d-3e4f50617283",
		"RequestSubmittedAt": "2026-11-21T09:00:00Z",
		"Operation":          "thumbnail",
	})
	fmt.Println(m.ID, m.Operation, m.SubmittedAt.Year(), err)
	// Output: 019aa567-5c00-8a1b-9c2d-3e4f50617283 thumbnail 2026 <nil>
}
