package chancery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	metadataPath = "/.well-known/oauth-authorization-server"
	// A token that ends this soon may end on its way.
	leeway = 60 * time.Second
)

// Tokens are a pair of OAuth tokens.
type Tokens struct {
	Access  Secret
	Refresh Secret
	// ExpiresAt is when the access token ends; the zero time where that is not known.
	ExpiresAt time.Time
}

// OAuth is the consent of a person to an application, as WithOAuth takes it.
type OAuth struct {
	// ClientID is that of the application.
	ClientID string
	// ClientSecret is that of a confidential application.
	ClientSecret Secret
	// Tokens are the newest pair that there is.
	Tokens Tokens
	// Store keeps the new pair after every refresh, before it is used; only one call of it runs at a time. A refresh
	// token is good once, and one that is used twice ends the consent: a pair that is lost is lost with it. What it
	// returns is returned to those who waited for the token.
	Store func(Tokens) error
}

// refresher renews the access token shortly before its end, or where the server refused it, once for all who wait.
type refresher struct {
	grant         OAuth
	sender        *sender
	allowInsecure bool

	mutex    sync.Mutex
	tokens   Tokens
	endpoint string
	running  *refresh
}

// refresh is one that is under way; its fields may be read when done is closed.
type refresh struct {
	done  chan struct{}
	token Secret
	err   error
}

func newRefresher(grant OAuth) *refresher {
	return &refresher{grant: grant, tokens: grant.Tokens}
}

// useServer says whose tokens they are. They are asked for as everything else is sent, but without a credential.
func (r *refresher) useServer(server *sender, allowInsecure bool) {
	plain := *server
	plain.credential = nil
	r.sender, r.allowInsecure = &plain, allowInsecure
}

func (r *refresher) token(ctx context.Context) (Secret, error) {
	r.mutex.Lock()
	if !r.endsSoon() {
		defer r.mutex.Unlock()
		return r.tokens.Access, nil
	}
	return r.wait(ctx, r.begin())
}

func (r *refresher) renew(ctx context.Context, refused Secret) (Secret, error) {
	r.mutex.Lock()
	isOld := r.tokens.Access.Reveal() != refused.Reveal()
	if r.tokens.Refresh.IsZero() || isOld && r.running == nil {
		defer r.mutex.Unlock()
		return r.tokens.Access, nil
	}
	return r.wait(ctx, r.begin())
}

func (r *refresher) endsSoon() bool {
	if r.tokens.Refresh.IsZero() {
		return false
	}
	if r.tokens.Access.IsZero() {
		return true
	}
	return !r.tokens.ExpiresAt.IsZero() && r.sender.clock.now().Add(leeway).After(r.tokens.ExpiresAt)
}

// begin joins the refresh that is under way, or begins one, and unlocks.
func (r *refresher) begin() *refresh {
	defer r.mutex.Unlock()
	if r.running == nil {
		r.running = &refresh{done: make(chan struct{})}
		go r.run(r.running, r.tokens.Refresh)
	}
	return r.running
}

func (r *refresher) wait(ctx context.Context, running *refresh) (Secret, error) {
	select {
	case <-running.done:
		return running.token, running.err
	case <-ctx.Done():
		return Secret{}, fmt.Errorf("chancery: waiting for a token: %w", ctx.Err())
	}
}

// run belongs to no caller: one who gives up would take the new pair with him.
func (r *refresher) run(running *refresh, refreshToken Secret) {
	defer close(running.done)
	tokens, endpoint, err := r.ask(context.Background(), refreshToken)
	if err == nil && r.grant.Store != nil {
		if failure := r.grant.Store(tokens); failure != nil {
			err = fmt.Errorf("chancery: the new tokens could not be stored: %w", failure)
		}
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.running, r.endpoint = nil, endpoint
	if !tokens.Access.IsZero() {
		r.tokens = tokens
	}
	running.token, running.err = tokens.Access, err
}

// ask gives the new pair, and where it was asked for.
func (r *refresher) ask(ctx context.Context, refreshToken Secret) (Tokens, string, error) {
	endpoint, err := r.discover(ctx)
	if err != nil {
		return Tokens{}, "", err
	}
	form := url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {refreshToken.Reveal()},
		"client_id":     {r.grant.ClientID},
	}
	if !r.grant.ClientSecret.IsZero() {
		form.Set("client_secret", r.grant.ClientSecret.Reveal())
	}
	answer := struct {
		Access    Secret `json:"access_token"`
		Refresh   Secret `json:"refresh_token"`
		ExpiresIn int64  `json:"expires_in"`
	}{Refresh: refreshToken}
	if err := r.exchange(ctx, http.MethodPost, endpoint, form, &answer); err != nil {
		return Tokens{}, endpoint, refused(err)
	}
	tokens := Tokens{Access: answer.Access, Refresh: answer.Refresh}
	if answer.ExpiresIn > 0 {
		tokens.ExpiresAt = r.sender.clock.now().Add(time.Duration(answer.ExpiresIn) * time.Second)
	}
	if tokens.Access.IsZero() {
		return Tokens{}, endpoint, errors.New("chancery: the answer of the token endpoint has no access token")
	}
	return tokens, endpoint, nil
}

// refused is what a person hears whose consent has ended: that he is to be asked again.
func refused(err error) error {
	var problem *Error
	if errors.As(err, &problem) && problem.Status == http.StatusBadRequest {
		problem.Status = http.StatusUnauthorized
		problem.Title = "The consent has ended"
	}
	return err
}

// discover finds the token endpoint (RFC 8414).
func (r *refresher) discover(ctx context.Context) (string, error) {
	r.mutex.Lock()
	known := r.endpoint
	r.mutex.Unlock()
	if known != "" {
		return known, nil
	}
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := r.exchange(ctx, http.MethodGet, r.sender.baseURL+metadataPath, nil, &metadata); err != nil {
		return "", err
	}
	if metadata.Issuer != r.sender.baseURL {
		return "", fmt.Errorf("chancery: the server calls itself %q, not %q: say its own address as the base URL",
			metadata.Issuer, r.sender.baseURL)
	}
	endpoint, err := url.Parse(metadata.TokenEndpoint)
	if err != nil || endpoint.Host == "" {
		return "", errors.New("chancery: the server does not say where its token endpoint is")
	}
	if err := checkScheme(endpoint, r.allowInsecure); err != nil {
		return "", fmt.Errorf("chancery: the token endpoint: %w", err)
	}
	return metadata.TokenEndpoint, nil
}

// exchange sends a form and reads a document. A POST is not repeated where its answer was lost: the refresh token is
// used up.
func (r *refresher) exchange(ctx context.Context, method, address string, form url.Values, answer any) error {
	header := http.Header{"User-Agent": {r.sender.userAgent}, "Accept": {"application/json"}}
	if form != nil {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	letter := &letter{
		call:    &call{method: method, path: "(OAuth)"},
		address: address,
		content: []byte(form.Encode()),
		header:  header,
		timeout: r.sender.timeout,
	}
	response, err := r.sender.deliver(ctx, letter)
	if err != nil {
		return err
	}
	if json.NewDecoder(response.Body).Decode(answer) != nil {
		return errors.New("chancery: (OAuth): the answer is not what was expected")
	}
	return nil
}
