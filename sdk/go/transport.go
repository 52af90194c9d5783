package chancery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"
	"unicode"
)

// sender carries calls to the server, as often as it takes.
type sender struct {
	// broken is what every call answers where the options made no sense.
	broken error

	baseURL    string
	client     *http.Client
	credential credential
	retries    int
	timeout    time.Duration
	userAgent  string
	language   string
	clock      clock
}

// letter is a call as it is sent, the same in each attempt.
type letter struct {
	call    *call
	address string
	content []byte
	header  http.Header
	// isStream: the body is read by the caller, piece by piece.
	isStream bool
	timeout  time.Duration
}

// send gives the answer of success, whose body is in memory. Everything else is an error.
func (s *sender) send(ctx context.Context, c *call, options []CallOption) (*http.Response, error) {
	letter, err := s.write(c, options)
	if err != nil {
		return nil, err
	}
	return s.deliver(ctx, letter)
}

// open is send, with a body that is still to be read and closed.
func (s *sender) open(ctx context.Context, c *call, options []CallOption) (*http.Response, error) {
	letter, err := s.write(c, options)
	if err != nil {
		return nil, err
	}
	letter.isStream = true
	return s.deliver(ctx, letter)
}

func (s *sender) write(c *call, options []CallOption) (*letter, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	c.headers = http.Header{}
	for _, option := range options {
		option(c)
	}
	address, err := c.address(s.baseURL)
	if err != nil {
		return nil, err
	}
	content, err := c.content()
	if err != nil {
		return nil, err
	}
	header, err := s.header(c, content != nil)
	if err != nil {
		return nil, err
	}
	return &letter{call: c, address: address, content: content, header: header, timeout: s.timeoutOf(c)}, nil
}

func (s *sender) timeoutOf(c *call) time.Duration {
	if c.isLong && s.timeout != 0 && s.timeout < patience {
		return patience
	}
	return s.timeout
}

func (s *sender) header(c *call, hasContent bool) (http.Header, error) {
	header := http.Header{}
	header.Set("User-Agent", s.userAgent)
	if s.language != "" {
		header.Set("Accept-Language", s.language)
	}
	if hasContent {
		header.Set("Content-Type", "application/json")
	}
	if c.key == "" && c.isRemembered {
		key, err := newKey()
		if err != nil {
			return nil, err
		}
		c.key = key
	}
	if c.key != "" {
		header.Set("Idempotency-Key", c.key)
	}
	for name, values := range c.headers {
		header[name] = values
	}
	for name, values := range header {
		if !isSendable(values[0]) {
			return nil, fmt.Errorf("chancery: %s: what %s says cannot be sent", c.name(), name)
		}
	}
	return header, nil
}

// isSendable: no line ends in it, for a header would end there as well (RFC 9110 section 5.5).
func isSendable(value string) bool {
	return strings.IndexFunc(value, unicode.IsControl) == -1
}

func (s *sender) deliver(ctx context.Context, letter *letter) (*http.Response, error) {
	isRemembered := letter.call.isRemembered
	isHarmless := letter.call.method != http.MethodPost || isRemembered
	hasPerhapsActed := false
	for attempts := 1; ; attempts++ {
		response, err := s.attempt(ctx, letter)
		switch {
		case err == nil:
			return response, nil
		case hasPerhapsActed && letter.call.isDeletion && IsNotFound(err):
			// An attempt before has deleted it, and its answer was lost.
			return nil, nil
		case attempts > s.retries || !mayRepeat(err, isHarmless, isRemembered):
			return nil, err
		}
		hasPerhapsActed = hasPerhapsActed || mayHaveActed(err)
		if !s.pause(ctx, attempts, err) {
			return nil, endedBy(ctx, letter.call, err)
		}
	}
}

// pause waits until the next attempt; false where there will be none.
func (s *sender) pause(ctx context.Context, attempts int, err error) bool {
	pause := backoff(attempts, s.clock)
	var problem *Error
	if errors.As(err, &problem) && problem.RetryAfter > 0 {
		pause = problem.RetryAfter
	}
	if pause > maxRetryAfter {
		return false
	}
	if deadline, hasOne := ctx.Deadline(); hasOne && s.clock.now().Add(pause).After(deadline) {
		return false
	}
	return s.clock.sleep(ctx, pause) == nil
}

// endedBy is the context's error, where that ended waiting, else what is known of the last attempt.
func endedBy(ctx context.Context, c *call, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("chancery: %s: %w", c.name(), ctx.Err())
	}
	return err
}

// attempt sends once; twice where the token was no good any more and there is another one.
func (s *sender) attempt(ctx context.Context, letter *letter) (*http.Response, error) {
	if s.credential == nil {
		return s.exchange(ctx, letter, Secret{})
	}
	token, err := s.credential.token(ctx)
	if err != nil {
		return nil, noToken{err}
	}
	response, err := s.exchange(ctx, letter, token)
	if !IsAuthenticationFailed(err) {
		return response, err
	}
	newer, renewErr := s.credential.renew(ctx, token)
	if renewErr != nil {
		return nil, noToken{renewErr}
	}
	if newer.Reveal() == token.Reveal() {
		return nil, err
	}
	return s.exchange(ctx, letter, newer)
}

func (s *sender) exchange(ctx context.Context, letter *letter, token Secret) (*http.Response, error) {
	attempt, cancel := context.WithCancel(ctx)
	request, err := newRequest(attempt, letter, token)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("chancery: %s: %w", letter.call.name(), err)
	}
	watch := newWatch(letter.timeout, cancel)
	response, err := s.client.Do(request)
	if err == nil {
		response, err = s.receive(letter, response, watch)
	}
	if err != nil {
		cancel()
		return nil, watch.explain(ctx, letter.call, err)
	}
	if letter.isStream {
		response.Body = &closer{response.Body, cancel}
	} else {
		cancel()
	}
	return response, nil
}

func newRequest(ctx context.Context, letter *letter, token Secret) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, letter.call.method, letter.address, bytes.NewReader(letter.content))
	if err != nil {
		return nil, err
	}
	request.Header = letter.header.Clone()
	if !isSendable(token.Reveal()) {
		return nil, errors.New("the token cannot be sent")
	}
	if !token.IsZero() {
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	return request, nil
}

// receive reads what there is, or for a stream only whether it begins.
func (s *sender) receive(letter *letter, response *http.Response, watch *watch) (*http.Response, error) {
	isDone := response.StatusCode >= 200 && response.StatusCode < 300
	if isDone && letter.isStream {
		watch.stop()
		return response, nil
	}
	defer response.Body.Close()
	if !isDone {
		return nil, readProblem(letter.call.name(), response, s.clock.now())
	}
	if letter.call.isFile {
		watch.stop()
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	watch.stop()
	if len(content) > maxAnswer {
		return nil, &AnswerTooLong{operation: letter.call.name()}
	}
	response.Body = io.NopCloser(bytes.NewReader(content))
	return response, nil
}

// watch ends an attempt that takes too long.
type watch struct {
	timer   *time.Timer
	timeout time.Duration
	hasRung chan struct{}
}

func newWatch(timeout time.Duration, cancel context.CancelFunc) *watch {
	watch := &watch{timeout: timeout, hasRung: make(chan struct{})}
	if timeout > 0 {
		watch.timer = time.AfterFunc(timeout, func() {
			close(watch.hasRung)
			cancel()
		})
	}
	return watch
}

func (w *watch) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// explain makes an error of the package's own: what the caller's context ended is its error, and everything else that is
// no answer a failed connection.
func (w *watch) explain(ctx context.Context, c *call, err error) error {
	w.stop()
	var problem *Error
	var tooLong *AnswerTooLong
	if errors.As(err, &problem) || errors.As(err, &tooLong) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("chancery: %s: %w", c.name(), ctx.Err())
	}
	select {
	case <-w.hasRung:
		err = fmt.Errorf("it took longer than %s", w.timeout)
	default:
	}
	// net/http says the whole address, with its query.
	var withAddress *url.Error
	if errors.As(err, &withAddress) {
		err = withAddress.Err
	}
	return &ConnectionFailed{Err: err, MayHaveActed: !wasNeverSent(err) && !isHopeless(err), operation: c.name()}
}

// closer ends the attempt with its body.
type closer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *closer) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}

func isNil(request any) bool {
	value := reflect.ValueOf(request)
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}
