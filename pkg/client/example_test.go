package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/asyncreply/asyncreply/pkg/client"
)

// A file is sent, worked on and fetched in one call.
func ExampleClient_Do() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	c, err := client.New("https://accept.example", nil)
	if err != nil {
		log.Fatal(err)
	}
	photo, err := os.Open("photo.jpg")
	if err != nil {
		log.Fatal(err)
	}
	defer photo.Close()
	result, err := c.Do(ctx, &client.Request{
		Operation:   "thumbnail",
		Parameters:  url.Values{"width": {"320"}},
		ContentType: "image/jpeg",
		Body:        photo,
	}, &client.WaitOptions{
		Progress: func(s *client.Status) { fmt.Println(s.State, s.PercentComplete, s.Message) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer result.Close()
	thumbnail, err := os.Create("thumbnail.jpg")
	if err != nil {
		log.Fatal(err)
	}
	defer thumbnail.Close()
	if _, err := io.Copy(thumbnail, result); err != nil {
		log.Fatal(err)
	}
}

// JSON in, JSON out.
func ExampleCall() {
	type customer struct {
		ID           string `json:"id"`
		CustomerName string `json:"customername"`
	}
	c, err := client.New("https://accept.example", nil)
	if err != nil {
		log.Fatal(err)
	}
	done, err := client.Call[map[string]any](context.Background(), c, "customer", customer{"7", "Ada"}, nil)
	switch problem := (*client.Problem)(nil); {
	case client.IsFailed(err):
		fmt.Println("the job failed:", err)
	case errors.As(err, &problem):
		fmt.Println("refused:", problem.Code, problem.Errors)
	case err != nil:
		fmt.Println(err)
	default:
		fmt.Println(done)
	}
}

// A job outlives the program that submitted it: its token is kept, and another
// process goes on.
func ExampleClient_Resume() {
	c, err := client.New("https://accept.example", &client.Options{StatusURL: "https://status.example"})
	if err != nil {
		log.Fatal(err)
	}
	j, err := c.Resume("https://status.example/api/RequestStatus/01a1fd92-adc2-84fa-9c25-373d675ffcb4")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(j.ID())
	fmt.Println(j.Token())
	// Output:
	// 01a1fd92-adc2-84fa-9c25-373d675ffcb4
	// https://status.example/api/RequestStatus/01a1fd92-adc2-84fa-9c25-373d675ffcb4
}

// Requests to the services carry a token; requests to storage never do.
func ExampleOptions_prepare() {
	token := func(context.Context) (string, error) { return "…", nil } // such as azidentity's GetToken
	c, err := client.New("https://accept.example", &client.Options{
		Prepare: func(r *http.Request) error {
			text, err := token(r.Context())
			if err != nil {
				return err
			}
			r.Header.Set("Authorization", "Bearer "+text)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = c
}

// Whoever gives up waiting may cancel the job, too.
func ExamplePendingError() {
	c, err := client.New("https://accept.example", nil)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	result, err := c.Do(ctx, &client.Request{Operation: "report"}, nil)
	if pending, ok := errors.AsType[*client.PendingError](err); ok && ctx.Err() != nil {
		if _, err := pending.Job.Cancel(context.Background()); err != nil {
			log.Print(err)
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	defer result.Close()
}
