package chancery

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

const wrongFields = `{
	"type": "https://pki.example.com/developers/errors/invalid", "title": "Validation failed", "status": 422,
	"detail": "Two fields are wrong.", "trace_id": "01J5Z3", "instance": "/api/v2/certificates",
	"errors": [
		{"field": "sans[1]", "code": "not-allowed", "detail": "The role forbids it."},
		{"field": "validity_days", "code": "too-long", "detail": "At most 397."}
	]}`

func TestAProblemIsRead(t *testing.T) {
	client, _ := newTestClient(t, serve(t, refusing(422, wrongFields)))
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{})
	var problem *Error
	if !errors.As(err, &problem) {
		t.Fatal(err)
	}
	if problem.Status != 422 || problem.Code() != "invalid" || problem.TraceID != "01J5Z3" ||
		problem.Title != "Validation failed" || problem.Detail != "Two fields are wrong." {
		t.Errorf("%+v", problem)
	}
	wanted := FieldError{Field: "sans[1]", Code: "not-allowed", Detail: "The role forbids it."}
	if len(problem.Errors) != 2 || problem.Errors[0] != wanted {
		t.Errorf("%+v", problem.Errors)
	}
	text := "chancery: POST /certificates: 422 Validation failed: Two fields are wrong.; sans[1]: The role forbids it.; " +
		"validity_days: At most 397. (trace 01J5Z3)"
	if err.Error() != text {
		t.Error(err)
	}
}

func TestEveryStatusHasItsQuestion(t *testing.T) {
	questions := []func(error) bool{
		IsBadRequest, IsAuthenticationFailed, IsNotLicensed, IsPermissionDenied, IsNotFound, IsConflict, IsValidationFailed,
		IsRateLimited, IsServerError,
	}
	for i, status := range []int{400, 401, 402, 403, 404, 409, 422, 429, 500} {
		client, _ := newTestClient(t, serve(t, failing(status)), WithRetries(0))
		_, err := client.Certificates.Get(context.Background(), "1")
		for j, question := range questions {
			if question(err) != (i == j) {
				t.Errorf("%d: question %d says %t", status, j, question(err))
			}
		}
	}
}

func TestAnAnswerThatIsNoProblemDocumentIsStillAnError(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"a page":         failing(502),
		"nothing":        func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) },
		"half a problem": refusing(502, `{"title": "Vali`),
		"another shape":  refusing(502, `["x"]`),
	} {
		client, _ := newTestClient(t, serve(t, handler), WithRetries(0))
		_, err := client.Certificates.Get(context.Background(), "1")
		if !IsServerError(err) || !strings.Contains(err.Error(), "502 Bad Gateway") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnErrorDoesNotSayTheQuery(t *testing.T) {
	client, _ := newTestClient(t, serve(t, lost), WithRetries(0))
	err := client.Certificates.List(context.Background(), &CertificateListParams{Owner: "jane@example.com"}).Err()
	if err != nil {
		t.Fatal("asked before Next")
	}
	list := client.Certificates.List(context.Background(), &CertificateListParams{Owner: "jane@example.com"})
	list.Next()
	var failure *ConnectionFailed
	if !errors.As(list.Err(), &failure) || strings.Contains(list.Err().Error(), "jane") {
		t.Errorf("%v", list.Err())
	}
}

func TestWhatWaitsForAnAgreementIsNotYetIssued(t *testing.T) {
	filed := func(location, document string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", location)
			given(202, document)(w, r)
		}
	}
	server := serve(t,
		filed("/api/v2/requests/7", `{"id": "7", "status": "pending_approval", "subject": {"common_name": "a"}}`),
		filed("https://pki.example.com/api/v2/acme/orders/8", `{"id": "8", "status": "pending", "names": ["a"]}`))
	client, _ := newTestClient(t, server)
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{})
	var pending *NotYetIssued
	if !errors.As(err, &pending) || pending.Request.ID != "7" || pending.Order != nil {
		t.Fatalf("%v", err)
	}
	_, err = client.Certificates.Renew(context.Background(), "1", nil)
	if !errors.As(err, &pending) || !reflect.DeepEqual(pending.Order.Names, []string{"a"}) || pending.Request != nil {
		t.Fatalf("%v", err)
	}
	if err.Error() != "chancery: not issued yet: order 8 is pending" {
		t.Error(err)
	}
}

func TestWhatIsAlwaysFollowedLaterIsAnAnswer(t *testing.T) {
	client, _ := newTestClient(t, serve(t, given(202, `{"id": "8", "status": "waiting"}`)))
	order, err := client.ACMEOrders.Create(context.Background(), &ACMEOrderRequest{})
	check(t, err)
	if order.ID != "8" {
		t.Errorf("%+v", order)
	}
}
