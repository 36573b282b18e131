package azure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// problems collects what is wrong with settings, a line each.
type problems []string

func (p *problems) add(setting, format string, args ...any) {
	*p = append(*p, setting+" "+fmt.Sprintf(format, args...))
}

func (p *problems) addError(setting string, err error) {
	if err != nil {
		p.add(setting, "%s", err)
	}
}

// join gives nil if nothing is wrong.
func (p problems) join() error {
	if len(p) == 0 {
		return nil
	}
	slices.Sort(p)
	return errors.New(strings.Join(p, "\n"))
}

// parseConnectionString reads name=value pairs separated by semicolons.
func parseConnectionString(text string) (map[string]string, error) {
	settings := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return nil, errors.New("is not of the form name=value;name=value")
		}
		settings[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return settings, nil
}
