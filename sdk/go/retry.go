package chancery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstPause = 500 * time.Millisecond
	maxPause   = 8 * time.Second
	// A server that asks for more is told to the caller instead.
	maxRetryAfter = 60 * time.Second
)

// clock is what tests put in the place of time and chance.
type clock interface {
	now() time.Time
	// sleep ends with the context's error where that ends before.
	sleep(ctx context.Context, pause time.Duration) error
	// below is a random duration up to a limit.
	below(limit time.Duration) time.Duration
}

type realClock struct{}

func (realClock) now() time.Time {
	return time.Now()
}

func (realClock) sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (realClock) below(limit time.Duration) time.Duration {
	return time.Duration(rand.Int63n(int64(limit) + 1))
}

// backoff is how long to wait after so many attempts: up to 0.5 seconds, doubled each time, so that those who failed
// together do not come back together.
func backoff(attempts int, clock clock) time.Duration {
	limit := maxPause
	if attempts < 6 {
		limit = firstPause << (attempts - 1)
	}
	if limit > maxPause {
		limit = maxPause
	}
	return clock.below(limit)
}

// retryAfter reads the header, which has seconds or a date (RFC 9110 section 10.2.3); zero where it says nothing.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	moment, err := http.ParseTime(text)
	if err != nil || moment.Before(now) {
		return 0
	}
	return moment.Sub(now)
}

// mayRepeat says whether a failure may be another time's success, and whether asking again does no harm.
func mayRepeat(err error, isHarmless, isRemembered bool) bool {
	if errors.As(err, &noToken{}) {
		return false
	}
	var problem *Error
	if errors.As(err, &problem) {
		return mayRepeatAfter(problem, isHarmless, isRemembered)
	}
	var failure *ConnectionFailed
	if !errors.As(err, &failure) || isHopeless(failure.Err) {
		return false
	}
	return isHarmless || !failure.MayHaveActed
}

func mayRepeatAfter(problem *Error, isHarmless, isRemembered bool) bool {
	switch problem.Status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusConflict:
		return isRemembered && problem.Code() == "idempotency-in-progress"
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return isHarmless
	}
	return false
}

// mayHaveActed says whether what failed may have been done all the same.
func mayHaveActed(err error) bool {
	var problem *Error
	if errors.As(err, &problem) {
		return problem.Status >= http.StatusInternalServerError
	}
	var failure *ConnectionFailed
	return errors.As(err, &failure) && failure.MayHaveActed
}

// wasNeverSent says whether there was no connection, so that nothing can have been done.
func wasNeverSent(err error) bool {
	var failure *net.OpError
	return errors.As(err, &failure) && failure.Op == "dial"
}

// isHopeless says whether one of the two is not who the other will talk to, which waiting does not change.
func isHopeless(err error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		invalid  x509.CertificateInvalidError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
	)
	// The server's last word about our certificate, or about TLS.
	var alert *net.OpError
	if errors.As(err, &alert) && alert.Op == "remote error" {
		return true
	}
	return errors.As(err, &unknown) || errors.As(err, &invalid) || errors.As(err, &hostname) || errors.As(err, &record)
}
