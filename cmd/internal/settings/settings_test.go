package settings_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
)

type account struct {
	Name     string        `env:"ACCOUNT_NAME,notEmpty"`
	Patience time.Duration `env:"ACCOUNT_PATIENCE" envDefault:"1s" help:"how long"`
}

type config struct {
	Account account
	Timeout time.Duration `env:"TIMEOUT"`
	Port    int           `env:"PORT,required"`
	Level   slog.Level    `env:"LEVEL" envDefault:"info"`
}

// TestParse states that settings are read strictly, those of embedded parts
// too, and that each mistake names its variable.
func TestParse(t *testing.T) {
	for environ, want := range map[string]string{
		"ACCOUNT_NAME=a PORT=1":                    "",
		"PORT=1":                                   "ACCOUNT_NAME is missing",
		"ACCOUNT_NAME= PORT=1":                     "ACCOUNT_NAME is missing",
		"ACCOUNT_NAME=a":                           "PORT is missing",
		"ACCOUNT_NAME=a PORT=x":                    `PORT: strconv.ParseInt: parsing "x": invalid syntax`,
		"ACCOUNT_NAME=a PORT=1 LEVEL=loud":         `LEVEL: slog: level string "loud": unknown name`,
		"PORT=1 TIMEOUT=2":                         `ACCOUNT_NAME is missing; TIMEOUT: time: missing unit in duration "2"`,
		"ACCOUNT_NAME=a PORT=1 ACCOUNT_PATIENCE=x": `ACCOUNT_PATIENCE: time: invalid duration "x"`,
	} {
		var c config
		err := settings.Parse(&c, strings.Fields(environ))
		if want == "" {
			if err != nil || c.Account.Name != "a" || c.Account.Patience != time.Second || c.Port != 1 {
				t.Errorf("%s: %+v, %v", environ, c, err)
			}
			continue
		}
		if _, ok := errors.AsType[*settings.Error](err); !ok || err.Error() != want {
			t.Errorf("%s: %v, want %s", environ, err, want)
		}
	}
}

// TestCheck states that a configuration's parts are told of in one line, and
// that nothing wrong is no error.
func TestCheck(t *testing.T) {
	if err := settings.Check(nil, nil); err != nil {
		t.Errorf("nothing wrong: %v", err)
	}
	err := settings.Check(nil, errors.New("A is missing\nB is missing"),
		settings.Positive("C", -time.Second), settings.Positive("D", 1), settings.Address("E", ":80"), settings.Address("F", "x:99999"))
	if want := `A is missing; B is missing; C: -1s is not above zero; F: "x:99999" is not host:port or :port`; err == nil || err.Error() != want {
		t.Errorf("Check = %v, want %s", err, want)
	}
}

// TestUsage states that --help lists each setting with its default.
func TestUsage(t *testing.T) {
	var out bytes.Buffer
	done, err := settings.Program{Name: "x", Does: "Does things."}.Load(&config{}, []string{"-h"}, nil, &out)
	if !done || err != nil {
		t.Fatalf("Load = %v, %v", done, err)
	}
	for _, want := range []string{"Does things.\n", "ACCOUNT_NAME      (required)", "ACCOUNT_PATIENCE  1s          how long\n", "LEVEL             info"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("usage lacks %q:\n%s", want, out.String())
		}
	}
}
