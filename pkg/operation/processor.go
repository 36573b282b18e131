package operation

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Processor says who does the work. Exactly one member is set.
type Processor struct {
	Go   string // name of a handler registered in the worker
	HTTP *HTTP
	Exec *Exec
}

// HTTP forwards the payload to a backend.
type HTTP struct {
	URL     string            // absolute http or https URL; the job's query string is appended
	Method  string            // default POST
	Headers map[string]string // sent beside those of the job
}

// Exec runs a program: payload on stdin, result on stdout.
type Exec struct {
	Command     []string          // program and arguments; run without a shell
	Dir         string            // working directory; default: the worker's
	Env         map[string]string // added to a minimal environment
	ContentType string            // of the result; default application/octet-stream
	FileName    string            // suggested to those who download the result, or ""
}

type processorYAML struct {
	Go   string    `yaml:"go"`
	HTTP *httpYAML `yaml:"http"`
	Exec *execYAML `yaml:"exec"`
}

type httpYAML struct {
	URL     string            `yaml:"url"`
	Method  string            `yaml:"method"`
	Headers map[string]string `yaml:"headers"`
}

type execYAML struct {
	Command     []string          `yaml:"command"`
	Dir         string            `yaml:"dir"`
	Env         map[string]string `yaml:"env"`
	ContentType string            `yaml:"contentType"`
	FileName    string            `yaml:"fileName"`
}

func (y processorYAML) processor() (Processor, error) {
	switch {
	case y.Go != "" && y.HTTP == nil && y.Exec == nil:
		return Processor{Go: y.Go}, nil
	case y.Go == "" && y.HTTP != nil && y.Exec == nil:
		return y.HTTP.processor()
	case y.Go == "" && y.HTTP == nil && y.Exec != nil:
		return y.Exec.processor()
	}
	return Processor{}, atKey("processor", "needs exactly one of go, http, exec")
}

func (y *httpYAML) processor() (Processor, error) {
	if err := y.check(); err != nil {
		return Processor{}, err
	}
	return Processor{HTTP: &HTTP{URL: y.URL, Method: orDefault(y.Method, "POST"), Headers: y.Headers}}, nil
}

func (y *execYAML) processor() (Processor, error) {
	if err := y.check(); err != nil {
		return Processor{}, err
	}
	return Processor{Exec: &Exec{
		Command: y.Command, Dir: y.Dir, Env: y.Env, FileName: y.FileName,
		ContentType: orDefault(y.ContentType, "application/octet-stream"),
	}}, nil
}

func orDefault(value, byDefault string) string {
	if value == "" {
		return byDefault
	}
	return value
}

// managedHeaders are set by the processor or belong to one connection
// (RFC 9110, section 7.6.1); the operations file cannot set them.
var managedHeaders = []string{
	"connection", "content-length", "content-type", "idempotency-key", "keep-alive", "proxy-connection",
	"requestattempt", "requestguid", "te", "trailer", "traceparent", "tracestate", "transfer-encoding", "upgrade",
}

func (y *httpYAML) check() error {
	u, err := url.Parse(y.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return atKey("processor.http.url", "%q is not an absolute http or https URL", y.URL)
	}
	if y.Method != "" && (!isToken(y.Method) || y.Method == "CONNECT") {
		return atKey("processor.http.method", "%q is not an HTTP method such as POST", y.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(y.Headers)) {
		switch {
		case !isToken(name):
			return atKey("processor.http.headers", "%q is not a header name", name)
		case slices.Contains(managedHeaders, strings.ToLower(name)):
			return atKey("processor.http.headers", "%s is set by the worker itself", name)
		case strings.ContainsAny(y.Headers[name], "\r\n\x00"):
			return atKey("processor.http.headers", "the value of %s is not one line", name)
		}
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s string) bool {
	const allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return s != "" && strings.Trim(s, allowed) == ""
}

func (y *execYAML) check() error {
	if len(y.Command) == 0 || y.Command[0] == "" {
		return atKey("processor.exec.command", "is empty; give the program and its arguments as a list")
	}
	for _, name := range slices.Sorted(maps.Keys(y.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(y.Env[name], "\x00") {
			return atKey("processor.exec.env", "%q is not a variable that a program can be given", name)
		}
	}
	if strings.ContainsAny(y.FileName, "/\\\r\n\x00") {
		return atKey("processor.exec.fileName", "%q is not a plain file name", y.FileName)
	}
	return nil
}
