package azure

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// ServiceBus says where the queue is.
type ServiceBus struct {
	ConnectionString string `env:"SERVICEBUS_CONNECTION_STRING" help:"Service Bus namespace with its key; without it:"`
	Namespace        string `env:"SERVICEBUS_NAMESPACE" help:"fully qualified namespace, as in example.servicebus.windows.net, for Entra credentials"`
	Queue            string `env:"SERVICEBUS_QUEUE" envDefault:"jobs" help:"queue that requests travel by"`
}

var (
	hostName  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
	queueName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._/-]{0,258}[A-Za-z0-9])?$`)
)

// Check gives one line for each wrong setting.
func (c *ServiceBus) Check() error {
	var wrong problems
	c.checkNamespace(&wrong)
	if !queueName.MatchString(c.Queue) {
		wrong.add("SERVICEBUS_QUEUE", "%q is not the name of a queue", c.Queue)
	}
	return wrong.join()
}

func (c *ServiceBus) checkNamespace(wrong *problems) {
	switch {
	case c.ConnectionString == "" && c.Namespace == "":
		wrong.add("SERVICEBUS_CONNECTION_STRING", "is missing; set it, or SERVICEBUS_NAMESPACE to use Entra credentials")
	case c.ConnectionString != "" && c.Namespace != "":
		wrong.add("SERVICEBUS_NAMESPACE", "is set together with SERVICEBUS_CONNECTION_STRING; set one of them")
	case c.ConnectionString != "":
		wrong.addError("SERVICEBUS_CONNECTION_STRING", c.checkConnectionString())
	case !hostName.MatchString(c.Namespace):
		wrong.add("SERVICEBUS_NAMESPACE", "%q is not a host name such as example.servicebus.windows.net", c.Namespace)
	}
}

// checkConnectionString says what the SDK would, without repeating a secret.
func (c *ServiceBus) checkConnectionString() error {
	settings, err := parseConnectionString(c.ConnectionString)
	if err != nil {
		return err
	}
	if host, ok := strings.CutPrefix(settings["Endpoint"], "sb://"); !ok || strings.Trim(host, "/") == "" {
		return errors.New("has no Endpoint=sb://…")
	}
	if settings["SharedAccessSignature"] == "" && (settings["SharedAccessKeyName"] == "" || settings["SharedAccessKey"] == "") {
		return errors.New("has no SharedAccessKeyName and SharedAccessKey")
	}
	if entity := settings["EntityPath"]; entity != "" && !strings.EqualFold(entity, c.Queue) {
		return fmt.Errorf("is for the entity %q, but SERVICEBUS_QUEUE is %q", entity, c.Queue)
	}
	return nil
}

// Connector gives a function that makes clients with one connection each. It
// makes no request.
func (c *ServiceBus) Connector(opts *Options) (func() (*azservicebus.Client, error), error) {
	var wrong problems
	if c.checkNamespace(&wrong); len(wrong) > 0 {
		return nil, wrong.join()
	}
	clientOptions := &azservicebus.ClientOptions{
		ApplicationID: applicationID,
		// Quick at first: a connection that was reset is back within some 50 ms.
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 8, RetryDelay: 50 * time.Millisecond, MaxRetryDelay: time.Second},
	}
	if c.ConnectionString != "" {
		return func() (*azservicebus.Client, error) {
			return azservicebus.NewClientFromConnectionString(c.ConnectionString, clientOptions)
		}, nil
	}
	credential, err := opts.credential()
	if err != nil {
		return nil, err
	}
	return func() (*azservicebus.Client, error) {
		return azservicebus.NewClient(c.Namespace, credential, clientOptions)
	}, nil
}
