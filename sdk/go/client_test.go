package chancery

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func quiet() *log.Logger {
	return log.New(io.Discard, "", 0)
}

func TestOptionsThatMakeNoSenseAreToldByEveryCall(t *testing.T) {
	for name, options := range map[string][]Option{
		"no address":         {WithAPIKey("pkf_1")},
		"http elsewhere":     {WithBaseURL("http://pki.example.com")},
		"another scheme":     {WithBaseURL("ftp://pki.example.com")},
		"a password":         {WithBaseURL("https://me:secret@pki.example.com")},
		"no host":            {WithBaseURL("pki.example.com")},
		"an empty key":       {WithBaseURL("https://pki.example.com"), WithAPIKey("")},
		"two credentials":    {WithBaseURL("https://pki.example.com"), WithAPIKey("a"), WithOAuth(OAuth{ClientID: "b"})},
		"no such file":       {WithBaseURL("https://pki.example.com"), WithRootCAFile("/nowhere")},
		"no key file":        {WithBaseURL("https://pki.example.com"), WithClientCertificateFiles("/nowhere", "/nowhere")},
		"less than no retry": {WithBaseURL("https://pki.example.com"), WithRetries(-1)},
	} {
		client := NewClient(options...)
		_, err := client.Whoami.Get(context.Background())
		if client.Err() == nil || !errors.Is(err, client.Err()) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", name, client.Err(), err)
		}
	}
}

func TestThisMachineMayBeAskedWithoutTLSAndOthersWhereItIsSaid(t *testing.T) {
	for _, options := range [][]Option{
		{WithBaseURL("http://localhost:8000")},
		{WithBaseURL("http://127.0.0.1:8000/")},
		{WithBaseURL("http://[::1]:8000")},
		{WithBaseURL("http://pki.example.com"), WithInsecureHTTP()},
		{WithBaseURL("https://pki.example.com/below/")},
	} {
		if err := NewClient(options...).Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestARequestSaysWhatIsWanted(t *testing.T) {
	server := serve(t, given(201, issued))
	client, _ := newTestClient(t, server, WithAPIKey("pkf_1"), WithUserAgent("deploy/3"), WithLanguage("fr"))
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{
		TemplateCode: "web",
		Subject:      map[string]any{"common_name": "a.example.com", "organizationalUnit": []string{"x", "y"}},
		SANs:         []string{"a.example.com"},
		Passphrase:   NewSecret("open sesame"),
		ValidityDays: Ptr(90),
	})
	check(t, err)
	request := server.request(0)
	for name, value := range map[string]string{
		"Authorization":   "Bearer pkf_1",
		"Content-Type":    "application/json",
		"User-Agent":      "deploy/3 chancery-client-go/" + Version,
		"Accept-Language": "fr",
	} {
		if request.header.Get(name) != value {
			t.Errorf("%s: %q", name, request.header.Get(name))
		}
	}
	wanted := map[string]any{
		"template_code": "web",
		"subject":       map[string]any{"common_name": "a.example.com", "organizationalUnit": []any{"x", "y"}},
		"sans":          []any{"a.example.com"},
		"passphrase":    "open sesame",
		"validity_days": 90.0,
	}
	if got := fieldsOf(t, request.body); !reflect.DeepEqual(got, wanted) {
		t.Errorf("%v", got)
	}
	if request.method != "POST" || request.address != "/api/v2/certificates" {
		t.Errorf("%s %s", request.method, request.address)
	}
}

func TestAChangeTellsAbsentFromEmptyFromNull(t *testing.T) {
	for wanted, call := range map[string]func(*Client) error{
		`{"description":""}`: func(c *Client) error {
			_, err := c.Certificates.Update(context.Background(), "1", &LabelsRequest{Description: Ptr("")})
			return err
		},
		`{"tags":[]}`: func(c *Client) error {
			_, err := c.Certificates.Update(context.Background(), "1", &LabelsRequest{Tags: []string{}})
			return err
		},
		`{"requires_approval":false}`: func(c *Client) error {
			_, err := c.CAs.Update(context.Background(), "1", &AuthorityChangeRequest{RequiresApproval: Ptr(false)})
			return err
		},
		`{"features":null}`: func(c *Client) error {
			request := &OrganizationChangeRequest{Features: Null[[]string]()}
			_, err := c.Organizations.Update(context.Background(), "1", request)
			return err
		},
		`{"features":["acme"]}`: func(c *Client) error {
			request := &OrganizationChangeRequest{Features: Set([]string{"acme"})}
			_, err := c.Organizations.Update(context.Background(), "1", request)
			return err
		},
		`{}`: func(c *Client) error {
			_, err := c.Organizations.Update(context.Background(), "1", &OrganizationChangeRequest{})
			return err
		},
	} {
		server := serve(t, given(200, "{}"))
		client, _ := newTestClient(t, server)
		check(t, call(client))
		if server.request(0).body != wanted {
			t.Errorf("%s, not %s", server.request(0).body, wanted)
		}
	}
}

func TestABodyThatMayBeAbsentIs(t *testing.T) {
	server := serve(t, given(201, issued))
	client, _ := newTestClient(t, server)
	_, err := client.Certificates.Renew(context.Background(), "1", nil)
	check(t, err)
	if request := server.request(0); request.body != "" || request.header.Get("Content-Type") != "" {
		t.Errorf("%q as %q", request.body, request.header.Get("Content-Type"))
	}
}

func TestTheQueryAndThePathAreSpelled(t *testing.T) {
	server := serve(t, given(200, `{"data": [], "pagination": {"next_cursor": null, "total": 0}}`))
	client, _ := newTestClient(t, server)
	ctx := context.Background()
	client.Certificates.List(ctx, &CertificateListParams{Limit: 5, Filter: "cn:*.a&b", Tag: []string{"x", "y"}}).Next()
	client.Requests.List(ctx, &RequestListParams{Mine: Ptr(false)}).Next()
	client.CAs.GetCertificate(ctx, "a?b", "c d")
	for i, wanted := range []string{
		"/api/v2/certificates?filter=cn%3A%2A.a%26b&limit=5&tag=x&tag=y",
		"/api/v2/requests?mine=false",
		"/api/v2/cas/a%3Fb/certificates/c%20d",
	} {
		if server.request(i).address != wanted {
			t.Errorf("%s, not %s", server.request(i).address, wanted)
		}
	}
}

func TestAnIDDoesNotBecomeAnotherAddress(t *testing.T) {
	server := serve(t, given(200, "{}"))
	client, _ := newTestClient(t, server)
	for _, id := range []string{"", ".", "..", "a/renewal", `..\a`} {
		if _, err := client.Certificates.Get(context.Background(), id); err == nil {
			t.Errorf("%q was sent", id)
		}
	}
	server.wantRequests(t, 0)
}

func TestWhatWouldEndAHeaderIsNotSent(t *testing.T) {
	server := serve(t, given(200, issued))
	ctx := context.Background()
	token := WithTokenFunc(func(context.Context) (string, error) { return "precious\nX-Other: 1", nil })
	client, clock := newTestClient(t, server, token)
	_, first := client.Certificates.Get(ctx, "1")
	client, _ = newTestClient(t, server, WithAPIKey("pkf_1\n"))
	_, second := client.Certificates.Issue(ctx, &IssueRequest{}, WithIdempotencyKey("precious\r\n"))
	for _, err := range []error{first, second} {
		if err == nil || strings.Contains(err.Error(), "precious") || clock.slept != nil {
			t.Errorf("%v", err)
		}
	}
	server.wantRequests(t, 0)
	_, err := client.Certificates.Get(ctx, "1")
	check(t, err)
	if sent := server.request(0).header.Get("Authorization"); sent != "Bearer pkf_1" {
		t.Errorf("%q", sent)
	}
}

func TestAnAnswerIsRead(t *testing.T) {
	client, _ := newTestClient(t, serve(t, given(201, `{
		"id": "1", "serial": "3F:A1", "subject": {"common_name": "a", "odd_key": "b"}, "sans": ["a"],
		"not_after": "2026-04-15T08:00:00Z", "replaces_id": null, "revocation": null, "pki": {"id": "2", "name": "CA"},
		"private_key": "-----BEGIN", "of a newer server": {"x": [1]}}`)))
	cert, err := client.Certificates.Issue(context.Background(), &IssueRequest{})
	check(t, err)
	if !cert.NotAfter.Equal(time.Date(2026, 4, 15, 8, 0, 0, 0, time.UTC)) || cert.PKI.Name != "CA" ||
		cert.ReplacesID != nil || cert.Revocation != nil || cert.PrivateKey.Reveal() != "-----BEGIN" {
		t.Errorf("%+v", cert)
	}
	if !reflect.DeepEqual(cert.Subject, map[string]any{"common_name": "a", "odd_key": "b"}) {
		t.Errorf("%v", cert.Subject)
	}
}

func TestAPageOfAProxyIsNoAnswer(t *testing.T) {
	client, _ := newTestClient(t, serve(t, failing(200)))
	_, err := client.Certificates.Get(context.Background(), "1")
	var problem *Error
	if !errors.As(err, &problem) || problem.Status != 200 {
		t.Errorf("%v", err)
	}
}

func TestDownloadsAreBytes(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/pkix-cert")
		w.Write([]byte{0x30, 0x82, 0, 1})
	})
	client, _ := newTestClient(t, server)
	params := &CertificateDownloadParams{Fmt: "der"}
	content, err := client.Certificates.Download(context.Background(), "1", params, WithHeader("Prefer", "wait=20"))
	check(t, err)
	if !reflect.DeepEqual(content, []byte{0x30, 0x82, 0, 1}) {
		t.Errorf("%x", content)
	}
	if request := server.request(0); !strings.HasSuffix(request.address, "?fmt=der") || request.header.Get("Prefer") == "" {
		t.Errorf("%s %v", request.address, request.header)
	}
}

func TestADownloadHasAsLongAsItTakes(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("begun"))
		w.(http.Flusher).Flush()
		time.Sleep(150 * time.Millisecond)
		w.Write([]byte(", done"))
	})
	client, _ := newTestClient(t, server, WithTimeout(75*time.Millisecond))
	content, err := client.Certificates.Download(context.Background(), "1", nil)
	check(t, err)
	if string(content) != "begun, done" {
		t.Errorf("%q", content)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	elsewhere := serve(t, given(200, issued))
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, 307) })
	for _, options := range [][]Option{{}, {WithHTTPClient(&http.Client{})}} {
		client, _ := newTestClient(t, server, append(options, WithAPIKey("pkf_1"))...)
		_, err := client.Certificates.Get(context.Background(), "1")
		var problem *Error
		if !errors.As(err, &problem) || problem.Status != 307 {
			t.Errorf("%v", err)
		}
	}
	elsewhere.wantRequests(t, 0)
}

func TestTheServerAndTheClientShowTheirCertificates(t *testing.T) {
	server := &answers{handlers: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		document, _ := json.Marshal(map[string]any{"permissions": []string{r.TLS.PeerCertificates[0].Subject.String()}})
		given(200, string(document))(w, r)
	}}}
	pki := newTestPKI(t)
	server.Server = httptest.NewUnstartedServer(server)
	server.TLS = pki.serverConfig()
	server.StartTLS()
	defer server.Close()
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		check(t, os.WriteFile(path, content, 0o600))
		return path
	}
	roots := file("roots.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	client, _ := newTestClient(t, server, WithRootCAFile(roots),
		WithClientCertificateFiles(file("client.pem", pki.certificatePEM), file("client.key", pki.keyPEM)))
	who, err := client.Whoami.Get(context.Background())
	check(t, err)
	if !reflect.DeepEqual(who.Permissions, []string{"CN=robot"}) {
		t.Errorf("%v", who.Permissions)
	}
	if server.request(0).header.Get("Authorization") != "" {
		t.Error("a token was sent")
	}
}

func TestWhoHasNoCertificateIsNotAskedAgain(t *testing.T) {
	server := &answers{handlers: []http.HandlerFunc{given(200, "{}")}}
	server.Server = httptest.NewUnstartedServer(server)
	server.TLS = newTestPKI(t).serverConfig()
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client, clock := newTestClient(t, server, WithRootCAs(roots))
	_, err := client.Whoami.Get(context.Background())
	var failure *ConnectionFailed
	if !errors.As(err, &failure) || clock.slept != nil {
		t.Errorf("%v after %v", err, clock.slept)
	}
}

func TestWhatCannotBeCombinedIsTold(t *testing.T) {
	err := NewClient(WithBaseURL("https://a.example"), WithHTTPClient(&http.Client{}), WithRootCAs(nil),
		WithClientCertificate(newTestPKI(t).certificate)).Err()
	if err == nil {
		t.Error("no error")
	}
}
