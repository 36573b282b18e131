package operation

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Expand replaces ${NAME} by what lookup gives, such as [os.LookupEnv], in
// the values of every http processor's headers and every exec processor's
// env, so that secrets need not stand in the file. $${ stands for ${ itself.
// A name that lookup does not know is an error, as is a header that would no
// longer be one line. Only the worker calls it: the acceptor needs no secrets.
func (s *Set) Expand(lookup func(name string) (string, bool)) error {
	for _, name := range s.Names() {
		p := &s.operations[name].Processor
		if p.HTTP != nil {
			headers, err := expandAll(p.HTTP.Headers, lookup)
			if err != nil {
				return fmt.Errorf("operations.%s.processor.http.headers.%w", name, err)
			}
			p.HTTP.Headers = headers
		}
		if p.Exec != nil {
			env, err := expandAll(p.Exec.Env, lookup)
			if err != nil {
				return fmt.Errorf("operations.%s.processor.exec.env.%w", name, err)
			}
			p.Exec.Env = env
		}
	}
	return nil
}

func expandAll(values map[string]string, lookup func(string) (string, bool)) (map[string]string, error) {
	expanded := maps.Clone(values)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value, err := expand(values[key], lookup)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		expanded[key] = value
	}
	return expanded, nil
}

// reference is a name to be replaced, or the escape that stands for its
// beginning.
var reference = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

func expand(text string, lookup func(string) (string, bool)) (string, error) {
	var err error
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		if match == "$${" {
			return "${"
		}
		name := match[2 : len(match)-1]
		value, ok := lookup(name)
		switch {
		case !ok:
			err = fmt.Errorf("the environment has no %s", name)
		case strings.ContainsAny(value, "\r\n\x00"):
			err = fmt.Errorf("the value of %s is not one line", name)
		}
		return value
	})
	return expanded, err
}
