package deploy_test

import (
	"bufio"
	"debug/elf"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nonroot is the user that the image runs as.
const nonroot = 65532

// patience is how long a program may take to start.
const patience = 30 * time.Second

// emptyRoot makes a root that holds a program, the operations file and the
// certificates of authorities: less than the image does.
func emptyRoot(t *testing.T, bin, program string) string {
	t.Helper()
	root := t.TempDir()
	certificates, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatalf("install the package ca-certificates: %v", err)
	}
	for path, content := range map[string]string{
		"usr/local/bin/" + program:          read(t, filepath.Join(bin, program)),
		"etc/asyncreply/operations.yaml":    read(t, "operations.yaml"),
		"etc/ssl/certs/ca-certificates.crt": string(certificates),
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// alone gives the command that runs a program in an empty root, as a user
// without rights. Root changes its root and its user; others do so in a user
// namespace of their own.
func alone(t *testing.T, bin, program string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/usr/local/bin/"+program, args...)
	cmd.Dir, cmd.Env = "/", append([]string{"PATH=/usr/local/bin"}, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: emptyRoot(t, bin, program), Pdeathsig: syscall.SIGKILL}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nonroot, Gid: nonroot}
	} else {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: nonroot, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

const cannotIsolate = "cannot start a program in another root: run the tests as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)"

// execute runs a program to its end and gives what it printed and its status.
func execute(t *testing.T, bin, program string, env []string, args ...string) (output string, status int) {
	t.Helper()
	out, err := alone(t, bin, program, env, args...).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%s: %v", cannotIsolate, err)
	}
	return string(out), 0
}

// TestStatic states that the programs need no other file to run.
func TestStatic(t *testing.T) {
	for _, program := range programs {
		file, err := elf.Open(filepath.Join(build(t), program))
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range file.Progs {
			if section.Type == elf.PT_INTERP || section.Type == elf.PT_DYNAMIC {
				t.Errorf("%s is not static: it has a segment %s", program, section.Type)
			}
		}
		file.Close()
	}
}

// TestAlone states that each program runs alone in an empty root as a user
// without rights: it tells its version, and a missing configuration in one
// line with exit status 2.
func TestAlone(t *testing.T) {
	bin := build(t)
	for _, program := range programs {
		if out, status := execute(t, bin, program, nil, "--version"); status != 0 || out != program+" "+version+"\n" {
			t.Errorf("%s --version: %d, %q", program, status, out)
		}
		var args []string
		if program == "redrive" {
			args = []string{"--all"}
		}
		out, status := execute(t, bin, program, nil, args...)
		if status != 2 || !strings.HasPrefix(out, program+": ") || strings.Count(out, "\n") != 1 || !strings.Contains(out, "STORAGE_CONNECTION_STRING is missing") && !strings.Contains(out, "OPERATIONS_FILE is missing") {
			t.Errorf("%s without configuration: %d, %q", program, status, out)
		}
	}
}

// TestDeployedConfiguration states that each service takes the settings that
// it gets when it is deployed, the same in the empty root: it listens. (It is
// not ready there, for there is no Azure.)
func TestDeployedConfiguration(t *testing.T) {
	bin := build(t)
	for name, params := range map[string]map[string]any{
		"anybody": nil,
		"entra": {
			"authMode": "entra", "authAudience": "00000000-0000-0000-0000-000000000002", "allowedOrigins": "https://a.example,https://b.example",
			"privateNetwork": true, "rateLimit": int64(10), "resultUrlMinutes": int64(60), "statusBaseUrl": "https://status.example",
		},
	} {
		d := deployment(t, params)
		for _, program := range []string{"acceptor", "status", "worker"} {
			t.Run(name+" "+program, func(t *testing.T) { listens(t, bin, program, environment(t, d, program)) })
		}
	}
}

// listens starts a service on a port of its own and waits until it listens.
func listens(t *testing.T, bin, program string, settings map[string]string) {
	t.Helper()
	for _, address := range []string{"LISTEN_ADDR", "WORKER_HEALTH_ADDR"} {
		if settings[address] != "" {
			settings[address] = "127.0.0.1:0" // the tests' machine has other services
		}
	}
	var env []string
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	cmd := alone(t, bin, program, env)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cmd.Stdout, cmd.Stderr = writer, writer
	err = cmd.Start()
	writer.Close()
	if err != nil {
		t.Fatalf("%s: %v", cannotIsolate, err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if err := reader.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var printed []string
	for lines := bufio.NewReader(reader); ; {
		line, err := lines.ReadString('\n')
		printed = append(printed, line)
		if strings.Contains(line, `"msg":"listening"`) {
			return
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("it ended")
			}
			t.Fatalf("%s does not listen: %v:\n%s", program, err, strings.Join(printed, ""))
		}
	}
}
