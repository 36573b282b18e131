package processor

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/asyncreply/asyncreply/pkg/job"
	"github.com/asyncreply/asyncreply/pkg/worker"
)

// inherited are the worker's variables that a program gets. The others stay
// behind: they hold connection strings.
var inherited = []string{"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ"}

func baseEnvironment(environ []string) map[string]string {
	base := map[string]string{}
	for _, variable := range environ {
		if name, value, ok := strings.Cut(variable, "="); ok && slices.Contains(inherited, name) {
			base[name] = value
		}
	}
	return base
}

// environment gives a program's environment: a few of the worker's variables,
// those of the operation, and what it may want to know about the job.
func (h *execHandler) environment(j *worker.Job) ([]string, error) {
	all := maps.Clone(h.base)
	maps.Copy(all, h.config.Env)
	for name := range all {
		if strings.HasPrefix(name, "ASYNCREPLY_") {
			delete(all, name)
		}
	}
	maps.Copy(all, map[string]string{
		"ASYNCREPLY_REQUEST_GUID": j.ID.String(),
		"ASYNCREPLY_OPERATION":    j.Operation,
		"ASYNCREPLY_ATTEMPT":      strconv.Itoa(j.Attempt),
		"ASYNCREPLY_CONTENT_TYPE": j.ContentType,
		"ASYNCREPLY_SIZE":         strconv.FormatInt(j.Size, 10),
		"ASYNCREPLY_QUERY":        j.RawQuery,
		"ASYNCREPLY_PROGRESS_FD":  strconv.Itoa(progressFD),
		"TRACEPARENT":             j.TraceParent,
		"TRACESTATE":              j.TraceState,
	})
	for _, name := range slices.Sorted(maps.Keys(j.Parameters)) {
		all["ASYNCREPLY_PARAM_"+variableName(name)] = j.Parameters.Get(name)
	}
	environment := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.ContainsRune(all[name], 0) {
			return nil, worker.Permanent(&job.Error{Code: job.CodeInvalidParameter,
				Message: "A parameter has a NUL character, which no program can be given."})
		}
		environment = append(environment, name+"="+all[name])
	}
	return environment, nil
}

// variableName writes a parameter's name in upper case, with an underscore
// for everything but ASCII letters and digits.
func variableName(parameter string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, parameter)
}
