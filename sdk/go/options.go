package chancery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Option is one thing that a client is told when it is made.
type Option func(*settings) error

type settings struct {
	baseURL       string
	allowInsecure bool
	credential    credential
	retries       int
	timeout       time.Duration
	httpClient    *http.Client
	certificates  []tls.Certificate
	roots         *x509.CertPool
	userAgent     string
	language      string
	clock         clock
}

// WithBaseURL says where the server is, such as "https://pki.example.com". Other than https is refused, unless the host
// is this machine's own.
func WithBaseURL(address string) Option {
	return func(s *settings) error {
		s.baseURL = address
		return nil
	}
}

// WithInsecureHTTP allows http to other hosts. Whoever is on the way then reads the credential, and every private key.
func WithInsecureHTTP() Option {
	return func(s *settings) error {
		s.allowInsecure = true
		return nil
	}
}

// WithAPIKey signs every request with an API key. The end of a line after it, as files have it, is no part of it.
func WithAPIKey(key string) Option {
	return func(s *settings) error {
		key = strings.TrimSpace(key)
		if key == "" {
			return errors.New("the API key is empty")
		}
		return s.setCredential(fixedToken{NewSecret(key)})
	}
}

// WithTokenFunc asks a function for the bearer token of every request. It may be called by many goroutines at once.
func WithTokenFunc(token func(context.Context) (string, error)) Option {
	return func(s *settings) error {
		return s.setCredential(tokenFunc(token))
	}
}

// WithOAuth signs with the tokens of an application, and renews them.
func WithOAuth(grant OAuth) Option {
	return func(s *settings) error {
		if grant.ClientID == "" {
			return errors.New("OAuth needs the id of the client")
		}
		return s.setCredential(newRefresher(grant))
	}
}

// WithClientCertificate shows a certificate to the server (mutual TLS), in place of a token or beside one.
func WithClientCertificate(certificate tls.Certificate) Option {
	return func(s *settings) error {
		s.certificates = append(s.certificates, certificate)
		return nil
	}
}

// WithClientCertificateFiles is WithClientCertificate with the PEM files of the certificate, followed by its chain, and
// of its key.
func WithClientCertificateFiles(certificateFile, keyFile string) Option {
	return func(s *settings) error {
		certificate, err := tls.LoadX509KeyPair(certificateFile, keyFile)
		if err != nil {
			return fmt.Errorf("the client certificate: %w", err)
		}
		s.certificates = append(s.certificates, certificate)
		return nil
	}
}

// WithRootCAs says whom to believe who the server is, in place of the system's roots.
func WithRootCAs(roots *x509.CertPool) Option {
	return func(s *settings) error {
		s.roots = roots
		return nil
	}
}

// WithRootCAFile is WithRootCAs with a file of PEM certificates.
func WithRootCAFile(name string) Option {
	return func(s *settings) error {
		content, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("the roots: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(content) {
			return fmt.Errorf("the roots: no certificate in %s", name)
		}
		s.roots = roots
		return nil
	}
}

// WithRetries says how often a call is repeated at most; 4 by default, 0 for never.
func WithRetries(retries int) Option {
	return func(s *settings) error {
		if retries < 0 {
			return errors.New("the number of retries is negative")
		}
		s.retries = retries
		return nil
	}
}

// WithTimeout says how long one attempt of a call may take, 30 seconds by default; 0 leaves it to the context. Downloads
// have this long until they begin, batches and imports at least ten minutes.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		s.timeout = timeout
		return nil
	}
}

// WithHTTPClient sends by a client of the caller's, of which a copy is made. Its redirects are not followed; a client
// certificate and roots are its own affair.
func WithHTTPClient(client *http.Client) Option {
	return func(s *settings) error {
		s.httpClient = client
		return nil
	}
}

// WithUserAgent says who asks, before the name of this package.
func WithUserAgent(product string) Option {
	return func(s *settings) error {
		s.userAgent = product
		return nil
	}
}

// WithLanguage says in which language the server explains what is wrong, such as "fr".
func WithLanguage(language string) Option {
	return func(s *settings) error {
		s.language = language
		return nil
	}
}

func (s *settings) setCredential(credential credential) error {
	if s.credential != nil {
		return errors.New("there is more than one of API key, OAuth and token function")
	}
	s.credential = credential
	return nil
}

// readBaseURL gives the address without a slash at its end.
func (s *settings) readBaseURL() (string, error) {
	if s.baseURL == "" {
		return "", errors.New("there is no base URL")
	}
	address, err := url.Parse(s.baseURL)
	if err != nil || address.Host == "" || address.User != nil || address.RawQuery != "" || address.Fragment != "" {
		// What was given may hold a password.
		return "", errors.New("the base URL is not an address such as https://pki.example.com")
	}
	if err := checkScheme(address, s.allowInsecure); err != nil {
		return "", err
	}
	return strings.TrimRight(address.String(), "/"), nil
}

// checkScheme refuses to send credentials where others may read them.
func checkScheme(address *url.URL, allowInsecure bool) error {
	switch {
	case address.Scheme == "https":
		return nil
	case address.Scheme != "http":
		return fmt.Errorf("%q is neither https nor http", address.Scheme)
	case allowInsecure || isLoopback(address.Hostname()):
		return nil
	}
	return fmt.Errorf("http to %s is refused, for others could read along: use https, or WithInsecureHTTP", address.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || (ip != nil && ip.IsLoopback())
}

func (s *settings) newHTTPClient() (*http.Client, error) {
	client := http.Client{}
	if s.httpClient != nil {
		if s.roots != nil || len(s.certificates) > 0 {
			return nil, errors.New("with an HTTP client of one's own, roots and client certificate are its affair")
		}
		client = *s.httpClient
	} else {
		client.Transport = s.newRoundTripper()
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client, nil
}

func (s *settings) newRoundTripper() http.RoundTripper {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if standard, isStandard := http.DefaultTransport.(*http.Transport); isStandard {
		transport = standard.Clone()
	}
	transport.ForceAttemptHTTP2 = true
	transport.TLSClientConfig = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		RootCAs:      s.roots,
		Certificates: s.certificates,
	}
	return transport
}
