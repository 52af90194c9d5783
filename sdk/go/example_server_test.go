package chancery_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"

	"chancery"
)

// What the server of the examples answers.
var examples = map[string]struct {
	status int
	kind   string
	body   string
}{
	"POST /api/v2/certificates": {201, "application/json", `{"id": "7c9e", "serial": "3F:A1:B2:C3",
		"not_after": "2026-04-15T08:00:00Z", "private_key": "-----BEGIN PRIVATE KEY-----…"}`},
	"GET /api/v2/certificates": {200, "application/json", `{"data": [
		{"id": "7c9e", "serial": "3F:A1:B2:C3", "not_after": "2026-04-15T08:00:00Z"},
		{"id": "52d1", "serial": "0A:44:91:7E", "not_after": "2026-04-20T08:00:00Z"}
		], "pagination": {"next_cursor": null, "total": 2}}`},
	"PATCH /api/v2/certificates/7c9e":      {200, "application/json", `{"id": "7c9e", "tags": [], "description": "The shop"}`},
	"POST /api/v2/certificates/7c9e/renew": {202, "application/json", `{"id": "b1c0", "status": "pending_approval"}`},
	"GET /api/v2/certificates/7c9e/download": {200, "application/x-pem-file",
		"-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"},
	"POST /api/v2/roles": {422, "application/problem+json", `{"status": 422, "title": "Validation failed",
		"errors": [{"field": "max_ttl", "code": "invalid", "detail": "A number and a unit, such as 90d."}]}`},
	"GET /api/v2/audit/export": {200, "application/x-ndjson", "{\"type\":\"event\"}\n{\"type\":\"end\"}\n"},
}

var (
	client = chancery.NewClient(chancery.WithBaseURL(exampleServer().URL), chancery.WithAPIKey("pkf_…"))
	ctx    = context.Background()
)

func exampleServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, isKnown := examples[r.Method+" "+r.URL.Path]
		if !isKnown {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", answer.kind)
		w.WriteHeader(answer.status)
		io.WriteString(w, answer.body)
	}))
}
