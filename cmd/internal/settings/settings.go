// Package settings is what the commands have in common at their start: the
// configuration is read from the environment, strictly, and wrong settings
// are told in one line that names them.
//
// A configuration is a struct with the tags of github.com/caarlos0/env, which
// may have others in it. env tells of mistakes by the names of fields, so a
// name stands for one setting in all of them. A help tag on a field says in a
// few words what the setting is for.
package settings

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Error is a wrong configuration. It is one line.
type Error struct{ problems []string }

// Error joins what is wrong.
func (e *Error) Error() string { return strings.Join(e.problems, "; ") }

// Wrong says that a setting is wrong, and why.
func Wrong(name string, err error) error {
	return &Error{problems: []string{name + ": " + strings.Join(strings.Fields(err.Error()), " ")}}
}

// Positive gives an error for a duration that is not above zero.
func Positive(name string, d time.Duration) error {
	if d > 0 {
		return nil
	}
	return Wrong(name, fmt.Errorf("%s is not above zero", d))
}

// Address gives an error for what is not an address to listen on: host:port,
// or :port for every interface.
func Address(name, address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return Wrong(name, fmt.Errorf("%q is not host:port or :port", address))
	}
	return nil
}

// Valid gives an error for a setting that something else found to be wrong.
func Valid(name string, err error) error {
	if err == nil {
		return nil
	}
	return Wrong(name, err)
}

// Check joins the errors of a configuration's parts, each of which has a line
// for each wrong setting. It gives nil or an [Error].
func Check(parts ...error) error {
	var problems []string
	for _, part := range parts {
		if part != nil {
			problems = append(problems, strings.Split(part.Error(), "\n")...)
		}
	}
	if problems == nil {
		return nil
	}
	return &Error{problems: problems}
}

// Parse fills the struct that config points to from environ, whose entries
// are NAME=value. What is missing or malformed gives an [Error].
func Parse(config any, environ []string) error {
	err := env.ParseWithOptions(config, env.Options{Environment: env.ToMap(environ)})
	if err == nil {
		return nil
	}
	return &Error{problems: problems(reflect.TypeOf(config).Elem(), err)}
}

// problems names the setting of each error; env names some by their field.
func problems(config reflect.Type, err error) []string {
	switch e := err.(type) {
	case env.AggregateError:
		var all []string
		for _, one := range e.Errors {
			all = append(all, problems(config, one)...)
		}
		return all
	case env.VarIsNotSetError:
		return []string{e.Key + " is missing"}
	case env.EmptyVarError:
		return []string{e.Key + " is missing"}
	case env.ParseError:
		reason := e.Err
		if value := (env.ParseValueError{}); errors.As(reason, &value) {
			reason = value.Err
		}
		return []string{fmt.Sprintf("%s: %v", setting(config, e.Name, e.Type), reason)}
	}
	return []string{err.Error()}
}

// setting gives the environment variable of a field.
func setting(config reflect.Type, field string, kind reflect.Type) string {
	for _, f := range reflect.VisibleFields(config) {
		if f.Name == field && f.Type == kind {
			name, _, _ := strings.Cut(f.Tag.Get("env"), ",")
			return name
		}
		if f.Type.Kind() == reflect.Struct && !f.Anonymous {
			if name := setting(f.Type, field, kind); name != field {
				return name
			}
		}
	}
	return field
}
