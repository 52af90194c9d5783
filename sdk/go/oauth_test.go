package chancery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// provider gives tokens, and answers who shows the newest one.
type provider struct {
	*httptest.Server

	mutex     sync.Mutex
	issuer    string
	current   string
	refreshes []url.Values
	refusal   string
	isSlow    chan struct{}
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{current: "access-0"}
	mux := http.NewServeMux()
	mux.HandleFunc(metadataPath, func(w http.ResponseWriter, r *http.Request) {
		given(200, fmt.Sprintf(`{"issuer": %q, "token_endpoint": %q}`, p.issuer, p.URL+"/oauth/token"))(w, r)
	})
	mux.HandleFunc("/oauth/token", p.refresh)
	mux.HandleFunc("/api/v2/whoami", p.whoami)
	p.Server = httptest.NewServer(mux)
	p.issuer = p.URL
	t.Cleanup(p.Close)
	return p
}

func (p *provider) refresh(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	if p.isSlow != nil {
		<-p.isSlow
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refreshes = append(p.refreshes, form)
	if p.refusal != "" {
		given(400, p.refusal)(w, r)
		return
	}
	number := len(p.refreshes)
	p.current = fmt.Sprintf("access-%d", number)
	given(200, fmt.Sprintf(`{"access_token": "access-%d", "refresh_token": "refresh-%d", "expires_in": 3600}`,
		number, number))(w, r)
}

func (p *provider) whoami(w http.ResponseWriter, r *http.Request) {
	p.mutex.Lock()
	isGood := r.Header.Get("Authorization") == "Bearer "+p.current
	p.mutex.Unlock()
	if !isGood {
		refusing(401, `{"title": "No"}`)(w, r)
		return
	}
	given(200, `{"permissions": ["x"]}`)(w, r)
}

func (p *provider) wantRefreshes(t *testing.T, count int) {
	t.Helper()
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.refreshes) != count {
		t.Errorf("%d refreshes, not %d", len(p.refreshes), count)
	}
}

func (p *provider) client(t *testing.T, grant OAuth) (*Client, *still) {
	t.Helper()
	return newTestClient(t, &answers{Server: p.Server}, WithOAuth(grant))
}

func fresh(expires time.Time) Tokens {
	return Tokens{Access: NewSecret("access-0"), Refresh: NewSecret("refresh-0"), ExpiresAt: expires}
}

func TestATokenThatIsGoodIsUsed(t *testing.T) {
	p := newProvider(t)
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(newStill().moment.Add(time.Hour))})
	_, err := client.Whoami.Get(context.Background())
	check(t, err)
	p.wantRefreshes(t, 0)
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	p := newProvider(t)
	var stored []Tokens
	client, clock := p.client(t, OAuth{
		ClientID:     "app",
		ClientSecret: NewSecret("hush"),
		Tokens:       fresh(newStill().moment.Add(30 * time.Second)),
		Store:        func(tokens Tokens) error { stored = append(stored, tokens); return nil },
	})
	for i := 0; i < 2; i++ {
		_, err := client.Whoami.Get(context.Background())
		check(t, err)
	}
	p.wantRefreshes(t, 1)
	if len(stored) != 1 {
		t.Fatalf("stored %d", len(stored))
	}
	wanted := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}, "client_id": {"app"}, "client_secret": {"hush"},
	}
	if got := p.refreshes[0].Encode(); got != wanted.Encode() {
		t.Error(got)
	}
	if pair := stored[0]; pair.Access.Reveal() != "access-1" || pair.Refresh.Reveal() != "refresh-1" ||
		!pair.ExpiresAt.Equal(clock.now().Add(time.Hour)) {
		t.Errorf("stored %s, %s, %s", pair.Access.Reveal(), pair.Refresh.Reveal(), pair.ExpiresAt)
	}
}

func TestATokenThatIsRefusedIsRenewedOnce(t *testing.T) {
	p := newProvider(t)
	p.current = "somebody else's"
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(time.Time{})})
	_, err := client.Whoami.Get(context.Background())
	check(t, err)
	p.wantRefreshes(t, 1)
}

func TestOneRefreshIsForAllWhoWait(t *testing.T) {
	p := newProvider(t)
	p.isSlow = make(chan struct{})
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(newStill().moment)})
	var group sync.WaitGroup
	failures := make(chan error, 20)
	for i := 0; i < cap(failures); i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := client.Whoami.Get(context.Background())
			failures <- err
		}()
	}
	time.Sleep(50 * time.Millisecond)
	close(p.isSlow)
	group.Wait()
	close(failures)
	for err := range failures {
		check(t, err)
	}
	p.wantRefreshes(t, 1)
}

func TestOneRefreshIsForAllWhoWereRefused(t *testing.T) {
	p := newProvider(t)
	p.current = "somebody else's"
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(time.Time{})})
	var group sync.WaitGroup
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := client.Whoami.Get(context.Background()); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	p.wantRefreshes(t, 1)
}

func TestWhoGivesUpDoesNotTakeTheNewPairWithHim(t *testing.T) {
	p := newProvider(t)
	p.isSlow = make(chan struct{})
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(newStill().moment)})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := client.Whoami.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v", err)
	}
	close(p.isSlow)
	_, err := client.Whoami.Get(context.Background())
	check(t, err)
	p.wantRefreshes(t, 1)
}

func TestAConsentThatHasEndedIsAnAuthenticationThatFailed(t *testing.T) {
	p := newProvider(t)
	p.refusal = `{"error": "invalid_grant", "error_description": "It was used before."}`
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(newStill().moment)})
	_, err := client.Whoami.Get(context.Background())
	var problem *Error
	if !IsAuthenticationFailed(err) || !errors.As(err, &problem) || problem.Code() != "invalid_grant" {
		t.Errorf("%v", err)
	}
	p.wantRefreshes(t, 1)
	if strings.Contains(err.Error(), "refresh-0") {
		t.Error(err)
	}
}

func TestAPairThatCannotBeStoredIsTold(t *testing.T) {
	p := newProvider(t)
	full := errors.New("disk full")
	client, _ := p.client(t, OAuth{
		ClientID: "app", Tokens: fresh(newStill().moment), Store: func(Tokens) error { return full },
	})
	if _, err := client.Whoami.Get(context.Background()); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	_, err := client.Whoami.Get(context.Background())
	check(t, err)
}

func TestMetadataOfAnotherIssuerAreRefused(t *testing.T) {
	p := newProvider(t)
	p.issuer = "https://elsewhere.example"
	client, _ := p.client(t, OAuth{ClientID: "app", Tokens: fresh(newStill().moment)})
	if _, err := client.Whoami.Get(context.Background()); err == nil {
		t.Error("no error")
	}
	p.wantRefreshes(t, 0)
}

func TestARefreshWhoseAnswerWasLostIsNotRepeated(t *testing.T) {
	var attempts int32
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	defer server.Close()
	mux.HandleFunc(metadataPath, func(w http.ResponseWriter, r *http.Request) {
		given(200, fmt.Sprintf(`{"issuer": %q, "token_endpoint": %q}`, server.URL, server.URL+"/oauth/token"))(w, r)
	})
	mux.HandleFunc("/oauth/token", func(w http.ResponseWriter, r *http.Request) {
		atomic.AddInt32(&attempts, 1)
		lost(w, r)
	})
	client, _ := newTestClient(t, &answers{Server: server},
		WithOAuth(OAuth{ClientID: "app", Tokens: fresh(newStill().moment)}))
	_, err := client.Whoami.Get(context.Background())
	var failure *ConnectionFailed
	if !errors.As(err, &failure) || atomic.LoadInt32(&attempts) != 1 {
		t.Errorf("%v after %d attempts", err, attempts)
	}
}

func TestAFunctionGivesTheTokenOfEveryRequest(t *testing.T) {
	p := newProvider(t)
	asked := 0
	client, _ := newTestClient(t, &answers{Server: p.Server}, WithTokenFunc(func(context.Context) (string, error) {
		asked++
		return p.current, nil
	}))
	for i := 0; i < 2; i++ {
		_, err := client.Whoami.Get(context.Background())
		check(t, err)
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestATokenFunctionThatFailsIsToldAndNothingIsSent(t *testing.T) {
	server := serve(t, given(200, "{}"))
	failure := errors.New("no vault")
	client, _ := newTestClient(t, server, WithTokenFunc(func(context.Context) (string, error) { return "", failure }))
	if _, err := client.Whoami.Get(context.Background()); !errors.Is(err, failure) {
		t.Errorf("%v", err)
	}
	server.wantRequests(t, 0)
}
