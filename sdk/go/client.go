package chancery

import (
	"fmt"
	"time"
)

// Version is that of this package.
const Version = "0.1.0"

const (
	apiMount       = "/api/v2"
	defaultRetries = 4
	defaultTimeout = 30 * time.Second
)

// Client speaks to one server, as one credential. It may be used by many goroutines at once.
type Client struct {
	Services

	err error
}

// NewClient makes a client; nothing is sent yet. An option that makes no sense is told by Err, and by every call.
func NewClient(options ...Option) *Client {
	transport, err := newTransport(options)
	if err != nil {
		err = fmt.Errorf("chancery: %w", err)
		transport = &sender{broken: err}
	}
	return &Client{Services: newServices(transport), err: err}
}

// Err tells what is wrong with the options that the client was made of; nil where they make sense.
func (c *Client) Err() error {
	return c.err
}

func newTransport(options []Option) (*sender, error) {
	settings := &settings{retries: defaultRetries, timeout: defaultTimeout, clock: realClock{}}
	for _, option := range options {
		if err := option(settings); err != nil {
			return nil, err
		}
	}
	baseURL, err := settings.readBaseURL()
	if err != nil {
		return nil, err
	}
	client, err := settings.newHTTPClient()
	if err != nil {
		return nil, err
	}
	sender := &sender{
		baseURL:    baseURL,
		client:     client,
		credential: settings.credential,
		retries:    settings.retries,
		timeout:    settings.timeout,
		userAgent:  userAgent(settings.userAgent),
		language:   settings.language,
		clock:      settings.clock,
	}
	if refresher, isRefresher := settings.credential.(*refresher); isRefresher {
		refresher.useServer(sender, settings.allowInsecure)
	}
	return sender, nil
}

func userAgent(product string) string {
	own := "chancery-client-go/" + Version
	if product == "" {
		return own
	}
	return product + " " + own
}
