package chancery

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// seen is a request as the fake server saw it.
type seen struct {
	method  string
	address string
	header  http.Header
	body    string
}

// answers is a server that gives prepared answers, one after the other, the last one for ever.
type answers struct {
	*httptest.Server

	mutex    sync.Mutex
	handlers []http.HandlerFunc
	requests []seen
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *answers {
	t.Helper()
	server := &answers{handlers: handlers}
	server.Server = httptest.NewServer(server)
	t.Cleanup(server.Close)
	return server
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mutex.Lock()
	a.requests = append(a.requests, seen{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body)})
	next := len(a.requests) - 1
	if next >= len(a.handlers) {
		next = len(a.handlers) - 1
	}
	handler := a.handlers[next]
	a.mutex.Unlock()
	handler(w, r)
}

// request is the one that came at this place, counted from 0.
func (a *answers) request(place int) seen {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.requests[place]
}

func (a *answers) keys() []string {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	var keys []string
	for _, request := range a.requests {
		keys = append(keys, request.header.Get("Idempotency-Key"))
	}
	return keys
}

func (a *answers) wantRequests(t *testing.T, count int) {
	t.Helper()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if len(a.requests) != count {
		t.Errorf("%d requests, not %d", len(a.requests), count)
	}
}

// given answers with JSON.
func given(status int, document string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, document)
	}
}

// refusing answers with a problem document.
func refusing(status int, document string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		io.WriteString(w, document)
	}
}

// failing answers with a page, as a proxy does.
func failing(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		io.WriteString(w, "<h1>Sorry</h1>")
	}
}

// later is failing, with a Retry-After.
func later(status int, header string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", header)
		failing(status)(w, r)
	}
}

// lost reads the request, and closes the connection without an answer.
func lost(w http.ResponseWriter, r *http.Request) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		connection.Close()
	}
}

// still is a clock on which no time passes but by sleeping, and chance always takes the most.
type still struct {
	mutex  sync.Mutex
	moment time.Time
	slept  []time.Duration
}

func newStill() *still {
	return &still{moment: time.Date(2026, 1, 15, 8, 0, 0, 0, time.UTC)}
}

func (c *still) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.moment
}

func (c *still) sleep(ctx context.Context, pause time.Duration) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.slept = append(c.slept, pause)
	c.moment = c.moment.Add(pause)
	return ctx.Err()
}

func (c *still) below(limit time.Duration) time.Duration {
	return limit
}

// newTestClient speaks to the server, and does not wait.
func newTestClient(t *testing.T, server *answers, options ...Option) (*Client, *still) {
	t.Helper()
	clock := newStill()
	client := NewClient(append([]Option{WithBaseURL(server.URL), withClock(clock)}, options...)...)
	if err := client.Err(); err != nil {
		t.Fatal(err)
	}
	return client, clock
}

func withClock(clock clock) Option {
	return func(s *settings) error {
		s.clock = clock
		return nil
	}
}

func fieldsOf(t *testing.T, body string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return fields
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
