package chancery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// How long an attempt may take at least whose work is not that of a single answer.
const patience = 10 * time.Minute

// call is one operation of the API, as the generated methods describe it.
type call struct {
	method string
	// path is below /api/v2, with the names of its parts in braces; in are those parts.
	path string
	in   []string
	// query and body are structs with json tags, or nil.
	query any
	body  any
	// isRemembered: the server remembers an Idempotency-Key, with this body.
	isRemembered bool
	// mayBePending: 202 means that something else was filed instead.
	mayBePending bool
	// isDeletion: the answer is that it is gone.
	isDeletion bool
	// isFile: the answer is as long as it is.
	isFile bool
	// isLong: it takes as long as there is work.
	isLong bool

	cursor  string
	key     string
	headers http.Header
}

// CallOption is something about a single call.
type CallOption func(*call)

// WithIdempotencyKey sends a key of the caller's in place of a random one: whoever asks again with it within 24 hours,
// also from another process, gets the same answer. It is a secret where the answer is one. Where the server remembers
// nothing, it changes nothing.
func WithIdempotencyKey(key string) CallOption {
	return func(c *call) {
		c.key = key
	}
}

// WithHeader sends a header along, such as "Prefer: wait=20" with Certificates.DownloadCurrent.
func WithHeader(name, value string) CallOption {
	return func(c *call) {
		c.headers.Set(name, value)
	}
}

// name is what errors say: without the query, which may tell more than a log should know.
func (c *call) name() string {
	return c.method + " " + c.path
}

func (c *call) address(baseURL string) (string, error) {
	path := c.path
	for _, part := range c.in {
		// Servers decode a slash before they look for what is asked of them.
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, `/\`) {
			return "", fmt.Errorf("chancery: %s: %q cannot stand in a path", c.name(), part)
		}
		start, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:start] + url.PathEscape(part) + path[end+1:]
	}
	query := encodeQuery(c.query)
	if c.cursor != "" {
		query.Set("cursor", c.cursor)
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return baseURL + apiMount + path, nil
}

// content is the body that is sent; nil where there is none.
func (c *call) content() ([]byte, error) {
	if isNil(c.body) {
		return nil, nil
	}
	content, err := encodeBody(c.body)
	if err != nil {
		return nil, fmt.Errorf("chancery: %s: %w", c.name(), err)
	}
	return content, nil
}

// fetch answers with a model.
func fetch[T any](ctx context.Context, s *sender, c *call, options []CallOption) (*T, error) {
	response, err := s.send(ctx, c, options)
	if err != nil {
		return nil, err
	}
	if c.mayBePending && response.StatusCode == http.StatusAccepted {
		return nil, readPending(c, response)
	}
	answer := new(T)
	if err := readJSON(c, response, answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// run has no answer but that it was done.
func run(ctx context.Context, s *sender, c *call, options []CallOption) error {
	_, err := s.send(ctx, c, options)
	return err
}

// download answers with a file.
func download(ctx context.Context, s *sender, c *call, options []CallOption) ([]byte, error) {
	c.isFile = true
	response, err := s.send(ctx, c, options)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(response.Body)
}

// read answers with a text.
func read(ctx context.Context, s *sender, c *call, options []CallOption) (string, error) {
	content, err := download(ctx, s, c, options)
	return string(content), err
}

func readJSON(c *call, response *http.Response, answer any) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind != "application/json" {
		return &Error{Status: response.StatusCode, Title: "The answer is no JSON, but " + kind, operation: c.name()}
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		// The message of encoding/json shows what it read, which may be a secret.
		return &Error{Status: response.StatusCode, Title: "The answer is not what was expected" + place(err), operation: c.name()}
	}
	return nil
}

// place is where a wrong value stood, without the value.
func place(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return " at " + wrong.Field
	}
	return ""
}

// readPending makes an error of what was filed instead of done; where it is, is what it is.
func readPending(c *call, response *http.Response) error {
	pending := &NotYetIssued{}
	var answer any
	if strings.Contains(response.Header.Get("Location"), "/acme/orders/") {
		pending.Order = new(ACMEOrderDetail)
		answer = pending.Order
	} else {
		pending.Request = new(RequestItem)
		answer = pending.Request
	}
	if err := readJSON(c, response, answer); err != nil {
		return err
	}
	return pending
}
