package chancery

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

const issued = `{"id": "1", "serial": "3F:A1", "not_after": "2026-04-15T08:00:00Z"}`

func TestAServerThatIsAwayIsAskedAgainUnderTheSameKey(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		server := serve(t, failing(status), failing(status), given(201, issued))
		client, _ := newTestClient(t, server)
		cert, err := client.Certificates.Issue(context.Background(), &IssueRequest{TemplateCode: "web"})
		check(t, err)
		server.wantRequests(t, 3)
		keys := server.keys()
		if cert.Serial != "3F:A1" || len(keys[0]) < 32 || keys[0] != keys[1] || keys[1] != keys[2] {
			t.Errorf("%d: %s under the keys %q", status, cert.Serial, keys)
		}
		if server.request(0).body != server.request(2).body {
			t.Errorf("%d: another body", status)
		}
	}
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	server := serve(t, lost, given(201, issued))
	client, _ := newTestClient(t, server)
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{TemplateCode: "web"})
	check(t, err)
	if keys := server.keys(); len(keys) != 2 || keys[0] != keys[1] {
		t.Errorf("keys %q", keys)
	}
}

func TestAnAnswerThatIsCutOffIsAskedForAgain(t *testing.T) {
	cut := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		w.Write([]byte(`{"id": `))
	}
	server := serve(t, cut, given(200, issued))
	client, _ := newTestClient(t, server)
	_, err := client.Certificates.Get(context.Background(), "1")
	check(t, err)
	server.wantRequests(t, 2)
}

func TestEveryCallHasAKeyOfItsOwn(t *testing.T) {
	server := serve(t, given(201, issued))
	client, _ := newTestClient(t, server)
	for i := 0; i < 2; i++ {
		_, err := client.Certificates.Issue(context.Background(), &IssueRequest{TemplateCode: "web"})
		check(t, err)
	}
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{}, WithIdempotencyKey("order-4711"))
	check(t, err)
	if keys := server.keys(); keys[0] == keys[1] || keys[2] != "order-4711" {
		t.Errorf("keys %q", keys)
	}
}

func TestWhatTheServerWouldNotRememberIsNotSentTwice(t *testing.T) {
	for name, failure := range map[string]http.HandlerFunc{"503": failing(503), "500": failing(500), "lost": lost} {
		server := serve(t, failure)
		client, _ := newTestClient(t, server)
		_, err := client.CAs.PublishCRL(context.Background(), "1", nil)
		var failure *ConnectionFailed
		if err == nil || errors.As(err, &failure) && !failure.MayHaveActed {
			t.Errorf("%s: %v", name, err)
		}
		server.wantRequests(t, 1)
		if key := server.keys()[0]; key != "" {
			t.Errorf("%s: under the key %q", name, key)
		}
	}
}

func TestAKeyOfOnesOwnMakesNothingRemembered(t *testing.T) {
	server := serve(t, failing(503))
	client, _ := newTestClient(t, server)
	client.CAs.PublishCRL(context.Background(), "1", nil, WithIdempotencyKey("order-4711"))
	client.Certificates.IssueBatch(
		context.Background(), &BatchRequest{Rows: make([]BatchRowRequest, 251)}, WithIdempotencyKey("order-4712"))
	if keys := server.keys(); !reflect.DeepEqual(keys, []string{"order-4711", "order-4712"}) {
		t.Errorf("keys %q", keys)
	}
}

func TestWhatItHasNotActedOnIsSentAgainWithoutAKey(t *testing.T) {
	server := serve(t, failing(429), given(200, "{}"))
	client, _ := newTestClient(t, server)
	_, err := client.CAs.PublishCRL(context.Background(), "1", nil)
	check(t, err)
	server.wantRequests(t, 2)
}

func TestWhereThereWasNoConnectionEverythingIsSentAgain(t *testing.T) {
	server := serve(t, given(200, "{}"))
	attempts := 0
	dialer := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		attempts++
		if attempts < 3 {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	client, _ := newTestClient(t, server, WithHTTPClient(&http.Client{Transport: dialer}))
	_, err := client.CAs.PublishCRL(context.Background(), "1", nil)
	check(t, err)
	if attempts != 3 {
		t.Errorf("%d attempts", attempts)
	}
}

func TestLargeBatchesAndUpstreamRevocationsAreSentWithoutAKey(t *testing.T) {
	server := serve(t, given(200, "{}"))
	client, _ := newTestClient(t, server)
	ctx := context.Background()
	calls := []func() error{
		func() error {
			_, err := client.Certificates.IssueBatch(ctx, &BatchRequest{Rows: make([]BatchRowRequest, 250)})
			return err
		},
		func() error {
			_, err := client.Certificates.IssueBatch(ctx, &BatchRequest{Rows: make([]BatchRowRequest, 251)})
			return err
		},
		func() error { _, err := client.Certificates.Revoke(ctx, "1", nil); return err },
		func() error {
			_, err := client.Certificates.Revoke(ctx, "1", &RevokeRequest{Upstream: Ptr(true)})
			return err
		},
	}
	for _, call := range calls {
		check(t, call())
	}
	keys := server.keys()
	if hasKey := []bool{keys[0] != "", keys[1] != "", keys[2] != "", keys[3] != ""}; !reflect.DeepEqual(
		hasKey, []bool{true, false, true, false}) {
		t.Errorf("keys %q", keys)
	}
}

func TestWhatIsUnderWayElsewhereIsWaitedFor(t *testing.T) {
	running := refusing(409, `{"type": "https://x/developers/errors/idempotency-in-progress", "status": 409}`)
	server := serve(t, lost, running, given(201, issued))
	client, _ := newTestClient(t, server)
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{TemplateCode: "web"})
	check(t, err)
	server.wantRequests(t, 3)
}

func TestARefusalIsNotRepeated(t *testing.T) {
	for _, status := range []int{400, 401, 402, 403, 404, 409, 410, 422, 501} {
		server := serve(t, failing(status))
		client, _ := newTestClient(t, server, WithAPIKey("pkf_1"))
		_, err := client.Certificates.Get(context.Background(), "1")
		var problem *Error
		if !errors.As(err, &problem) || problem.Status != status {
			t.Errorf("%d: %v", status, err)
		}
		server.wantRequests(t, 1)
	}
}

func TestItWaitsLongerEachTimeAndGivesUp(t *testing.T) {
	server := serve(t, failing(503))
	client, clock := newTestClient(t, server, WithRetries(7))
	_, err := client.Certificates.Get(context.Background(), "1")
	if !IsServerError(err) {
		t.Errorf("%v", err)
	}
	wanted := []time.Duration{500, 1000, 2000, 4000, 8000, 8000, 8000}
	for i := range wanted {
		wanted[i] *= time.Millisecond
	}
	if !reflect.DeepEqual(clock.slept, wanted) {
		t.Errorf("slept %v", clock.slept)
	}
}

func TestFourRetriesAreMadeUnlessItSaysOtherwise(t *testing.T) {
	for retries, options := range map[int][]Option{4: nil, 0: {WithRetries(0)}, 1: {WithRetries(1)}} {
		server := serve(t, failing(503))
		client, _ := newTestClient(t, server, options...)
		client.Certificates.Get(context.Background(), "1")
		server.wantRequests(t, retries+1)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	clock := newStill()
	for _, row := range []struct {
		header string
		slept  []time.Duration
	}{
		{"7", []time.Duration{7 * time.Second}},
		{clock.moment.Add(20 * time.Second).Format(http.TimeFormat), []time.Duration{20 * time.Second}},
		{"60", []time.Duration{60 * time.Second}},
		{"61", nil},
		{"soon", []time.Duration{500 * time.Millisecond}},
	} {
		server := serve(t, later(503, row.header), given(200, issued))
		client, clock := newTestClient(t, server)
		_, err := client.Certificates.Get(context.Background(), "1")
		if !reflect.DeepEqual(clock.slept, row.slept) || (err == nil) != (row.slept != nil) {
			t.Errorf("%s: slept %v, %v", row.header, clock.slept, err)
		}
	}
}

func TestHowLongTheServerAsksToWaitIsTold(t *testing.T) {
	server := serve(t, later(429, "7"))
	client, _ := newTestClient(t, server, WithRetries(0))
	_, err := client.Certificates.Get(context.Background(), "1")
	var problem *Error
	if !errors.As(err, &problem) || problem.RetryAfter != 7*time.Second || !IsRateLimited(err) {
		t.Errorf("%#v", err)
	}
}

func TestNobodyWaitsBeyondHisDeadline(t *testing.T) {
	server := serve(t, later(503, "50"))
	clock := newStill()
	clock.moment = time.Now()
	client := NewClient(WithBaseURL(server.URL), withClock(clock))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := client.Certificates.Get(ctx, "1")
	if !IsServerError(err) || clock.slept != nil {
		t.Errorf("%v after %v", err, clock.slept)
	}
}

func TestACancelledContextEndsWaiting(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		failing(503)(w, r)
		time.AfterFunc(10*time.Millisecond, cancel)
	})
	client := NewClient(WithBaseURL(server.URL), withClock(slow{}))
	_, err := client.Certificates.Get(ctx, "1")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	server.wantRequests(t, 1)
}

// slow is the real clock, with a chance that is always bad.
type slow struct{ realClock }

func (slow) below(time.Duration) time.Duration { return time.Hour / 100 }

func TestACancelledContextEndsTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	client, _ := newTestClient(t, server)
	_, err := client.Certificates.Get(ctx, "1")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	server.wantRequests(t, 1)
}

func TestAnAttemptThatTakesTooLongIsRepeated(t *testing.T) {
	hanging := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	server := serve(t, hanging, given(200, issued))
	client, _ := newTestClient(t, server, WithTimeout(50*time.Millisecond))
	_, err := client.Certificates.Get(context.Background(), "1")
	check(t, err)
	server.wantRequests(t, 2)
}

func TestATimeoutIsNoAnswer(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client, _ := newTestClient(t, server, WithTimeout(20*time.Millisecond), WithRetries(0))
	_, err := client.Certificates.Get(context.Background(), "1")
	var failure *ConnectionFailed
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "longer than 20ms") {
		t.Errorf("%v", err)
	}
}

func TestToDeleteWhatIsGoneBecauseAnAnswerWasLostIsSuccess(t *testing.T) {
	server := serve(t, lost, failing(404))
	client, _ := newTestClient(t, server)
	check(t, client.APIKeys.Delete(context.Background(), "1"))
	server.wantRequests(t, 2)
}

func TestToDeleteWhatWasNeverThereIsNot(t *testing.T) {
	for name, server := range map[string]*answers{
		"at once":                       serve(t, failing(404)),
		"after a call that did nothing": serve(t, failing(429), failing(404)),
	} {
		client, _ := newTestClient(t, server)
		if err := client.APIKeys.Delete(context.Background(), "1"); !IsNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAServerThatIsSomebodyElseIsNotAskedAgain(t *testing.T) {
	server := &answers{handlers: []http.HandlerFunc{given(200, issued)}}
	server.Server = httptest.NewUnstartedServer(server)
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	client, clock := newTestClient(t, server)
	_, err := client.Certificates.Get(context.Background(), "1")
	var failure *ConnectionFailed
	if !errors.As(err, &failure) || failure.MayHaveActed || clock.slept != nil {
		t.Errorf("%v after %v", err, clock.slept)
	}
}
