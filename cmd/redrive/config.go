package main

import (
	"errors"
	"flag"
	"log/slog"
	"time"

	"github.com/asyncreply/asyncreply/cmd/internal/settings"
	"github.com/asyncreply/asyncreply/pkg/azure"
	"github.com/asyncreply/asyncreply/pkg/job"
)

// config is what the environment says.
type config struct {
	ServiceBus azure.ServiceBus
	Storage    azure.Storage

	Retention time.Duration `env:"RETENTION" envDefault:"168h" help:"how long jobs are known, as the status service has it; older ones are left alone"`
	LogLevel  slog.Level    `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
}

// check gives an error that names each wrong setting.
func (c *config) check() error {
	return settings.Check(c.ServiceBus.Check(), c.Storage.Check(), settings.Positive("RETENTION", c.Retention))
}

// selection is what the flags say.
type selection struct {
	all     bool
	ids     map[job.ID]bool
	reasons map[string]bool
	dryRun  bool
}

func (s *selection) flags(flags *flag.FlagSet) {
	s.ids, s.reasons = map[job.ID]bool{}, map[string]bool{}
	flags.BoolVar(&s.all, "all", false, "put back all that there are")
	flags.Func("id", "put back the job of this `RequestGUID`; may be given several times", func(text string) error {
		id, err := job.ParseID(text)
		s.ids[id] = true
		return err
	})
	flags.Func("reason", "put back what was dead-lettered for this `reason`, such as AttemptsExhausted; may be given several times",
		func(text string) error {
			s.reasons[text] = true
			return nil
		})
	flags.BoolVar(&s.dryRun, "dry-run", false, "say what would be done and do nothing")
}

// check demands that one thing is asked for: nobody puts everything back by
// leaving something out.
func (s *selection) check() error {
	chosen := len(s.ids) > 0 || len(s.reasons) > 0
	switch {
	case s.all && chosen:
		return settings.Wrong("--all", errors.New("is given together with --id or --reason"))
	case !s.all && !chosen:
		return settings.Wrong("--all, --id or --reason", errors.New("is missing"))
	}
	return nil
}

// selects reports whether a message is to be put back. With both ids and
// reasons it has one of each.
func (s *selection) selects(d *job.Delivery) bool {
	return (len(s.ids) == 0 || s.ids[d.Message.ID]) && (len(s.reasons) == 0 || s.reasons[d.DeadLetterReason])
}
