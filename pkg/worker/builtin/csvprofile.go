package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/asyncreply/asyncreply/pkg/worker"
	"github.com/asyncreply/asyncreply/pkg/worker/builtin/csvprofile"
)

// delimiterNames are the values of the parameter delimiter.
var delimiterNames = map[string]byte{"": 0, "comma": ',', "semicolon": ';', "tab": '\t', "bar": '|'}

// CSVProfile makes a handler that describes a CSV file of any size with
// package csvprofile and answers with its [csvprofile.Report] as JSON.
// Parameters are delimiter, one of comma, semicolon, tab and bar, which is
// guessed by default, and header, true or false, by default true. Progress is
// the share of the payload that has been read.
func CSVProfile() worker.Handler {
	return worker.HandlerFunc(func(ctx context.Context, j *worker.Job) error {
		options, err := csvOptions(j)
		if err != nil {
			return err
		}
		options.OnRead = func(read int64) { reportRead(j, read) }
		payload := &source{ctx: ctx, reader: j.Payload()}
		report, err := csvprofile.Profile(payload, options)
		switch {
		case payload.err != nil:
			return payload.err
		case errors.Is(err, csvprofile.ErrNotText):
			return unfit("The payload is not a CSV file in UTF-8.", err)
		case err != nil:
			return err
		}
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return worker.Permanent(err)
		}
		j.SetFileName("profile.json")
		_, err = j.Result("application/json").Write(append(text, '\n'))
		return err
	})
}

func csvOptions(j *worker.Job) (options csvprofile.Options, err error) {
	delimiter, ok := delimiterNames[j.Parameters.Get("delimiter")]
	if !ok {
		return options, unfitParameter("The parameter delimiter is none of comma, semicolon, tab and bar.")
	}
	switch j.Parameters.Get("header") {
	case "", "true":
	case "false":
		options.NoHeader = true
	default:
		return options, unfitParameter("The parameter header is neither true nor false.")
	}
	options.Delimiter = delimiter
	return options, nil
}

func reportRead(j *worker.Job, read int64) {
	if j.Size > 0 {
		j.Progress(float64(read)/float64(j.Size)*100, fmt.Sprintf("read %.1f of %.1f MB", float64(read)/1e6, float64(j.Size)/1e6))
	}
}
