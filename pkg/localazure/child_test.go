package localazure_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/asyncreply/asyncreply/pkg/localazure"
)

// childVariable makes the test binary a program that starts an Azurite, given childOptions in JSON.
const childVariable = "LOCALAZURE_TEST_CHILD"

type childOptions struct{ CacheDir, DataDir string }

// childReport is what a child prints once its Azurite answers.
type childReport struct {
	PID              int
	ConnectionString string
}

// runChild starts an Azurite, reports it on standard output, and closes it at the end of standard input. What npm and
// Azurite print goes to standard error.
func runChild(options string) error {
	var given childOptions
	if err := json.Unmarshal([]byte(options), &given); err != nil {
		return err
	}
	azurite, err := localazure.StartAzurite(context.Background(), &localazure.AzuriteOptions{
		CacheDir: given.CacheDir, DataDir: given.DataDir, Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	report := childReport{PID: azurite.PID(), ConnectionString: azurite.ConnectionString()}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return azurite.Close()
}

// child is a process of its own that starts an Azurite.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *json.Decoder
	stderr *bufio.Reader
}

func startChild(t *testing.T, options childOptions) *child {
	t.Helper()
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	stderr, err3 := cmd.StderrPipe()
	for _, err := range []error{err1, err2, err3, cmd.Start()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := &child{cmd: cmd, stdin: stdin, stdout: json.NewDecoder(stdout), stderr: bufio.NewReader(stderr)}
	t.Cleanup(c.kill)
	return c
}

// ready waits until the child's Azurite answers. It returns the child's report and what it logged up to then.
func (c *child) ready(t *testing.T) (childReport, string) {
	t.Helper()
	log := c.logUntil(t, "Table service is successfully listening")
	var report childReport
	if err := c.stdout.Decode(&report); err != nil {
		t.Fatalf("the child reported nothing: %v\n%s", err, log)
	}
	return report, log
}

// logUntil returns the child's log up to the line that contains part.
func (c *child) logUntil(t *testing.T, part string) string {
	t.Helper()
	var log strings.Builder
	for !strings.Contains(log.String(), part) {
		line, err := c.stderr.ReadString('\n')
		log.WriteString(line)
		if err != nil {
			t.Fatalf("the child never printed %q: %v\n%s", part, err, log.String())
		}
	}
	return log.String()
}

// kill ends the child by SIGKILL, if it has not ended yet.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		c.cmd.Process.Kill()
		c.cmd.Wait()
	}
}

// close asks the child to close its Azurite and end.
func (c *child) close(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("the child: %v", err)
	}
}
