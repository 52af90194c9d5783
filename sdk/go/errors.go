package chancery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// What is read of an answer that is no problem document: a proxy's page may be long.
const maxProblem = 1 << 20

// maxAnswer is how many bytes are held in memory of an answer, or of a line of a streamed one. No server of ours comes near.
const maxAnswer = 64 << 20

// Error is a refusal: a problem document of the server (RFC 9457), or what is known of another answer.
type Error struct {
	// Status is that of HTTP.
	Status int
	// Type is the address of a page about this kind of problem; its last part is a code for programs.
	Type string
	// Title is what it is in a few words, in the language that was asked for.
	Title string
	// Detail is what it is this time; "" where the server did not say.
	Detail string
	// TraceID is the number under which the server's log knows the request.
	TraceID string
	// Errors has what is wrong with the fields of the request, each with its place, such as `sans[2]`, and a code for
	// programs.
	Errors []FieldError
	// RetryAfter is how long the server asks to wait; zero where it does not say.
	RetryAfter time.Duration

	operation string
}

// Code is the last part of Type, such as "template-not-found"; "" where the answer was no problem document.
func (e *Error) Code() string {
	return e.Type[strings.LastIndexByte(e.Type, '/')+1:]
}

// Error says what was asked for, and all that is wrong with it, field by field.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "chancery: %s: %d %s", e.operation, e.Status, e.Title)
	if e.Detail != "" {
		fmt.Fprintf(&text, ": %s", e.Detail)
	}
	for _, problem := range e.Errors {
		fmt.Fprintf(&text, "; %s: %s", problem.Field, problem.Detail)
	}
	if e.TraceID != "" {
		fmt.Fprintf(&text, " (trace %s)", e.TraceID)
	}
	return text.String()
}

// ConnectionFailed is no answer: the server could not be reached, or the connection broke.
type ConnectionFailed struct {
	// Err is what went wrong last.
	Err error
	// MayHaveActed: the request may have reached the server. Where it is a POST that the server does not remember, look
	// at what there is before asking again.
	MayHaveActed bool

	operation string
}

// Error says what was asked for, and what went wrong.
func (e *ConnectionFailed) Error() string {
	return fmt.Sprintf("chancery: %s: no answer: %v", e.operation, e.Err)
}

// Unwrap gives what went wrong.
func (e *ConnectionFailed) Unwrap() error {
	return e.Err
}

// AnswerTooLong is an answer, or a line of one, of more than 64 MiB: it was not read to its end, for one that has none
// would fill the memory.
type AnswerTooLong struct {
	operation string
}

// Error says what was asked for.
func (e *AnswerTooLong) Error() string {
	return fmt.Sprintf("chancery: %s: the answer is longer than %d MiB, and was not read to its end", e.operation, maxAnswer>>20)
}

// NotYetIssued is a certificate that does not exist yet: a request was filed that somebody has to approve, or an order
// at a public CA that takes its time. One of Request and Order is there.
type NotYetIssued struct {
	// Request is what was filed, to be followed by Requests.Get.
	Request *RequestItem
	// Order is what was ordered, to be followed by ACMEOrders.Get.
	Order *ACMEOrderDetail
}

// Error says what is waited for.
func (e *NotYetIssued) Error() string {
	if e.Order != nil {
		return fmt.Sprintf("chancery: not issued yet: order %s is %s", e.Order.ID, e.Order.Status)
	}
	return fmt.Sprintf("chancery: not issued yet: request %s is %s", e.Request.ID, e.Request.Status)
}

// IsBadRequest says whether the server could not read the request (400).
func IsBadRequest(err error) bool { return hasStatus(err, http.StatusBadRequest) }

// IsAuthenticationFailed says whether the credential is missing, or no good (401).
func IsAuthenticationFailed(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

// IsNotLicensed says whether the licence does not cover what was asked for (402).
func IsNotLicensed(err error) bool { return hasStatus(err, http.StatusPaymentRequired) }

// IsPermissionDenied says whether it is not allowed (403).
func IsPermissionDenied(err error) bool { return hasStatus(err, http.StatusForbidden) }

// IsNotFound says whether it is not there, or somebody else's (404).
func IsNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// IsConflict says whether the request contradicts what is there (409).
func IsConflict(err error) bool { return hasStatus(err, http.StatusConflict) }

// IsValidationFailed says whether fields or parameters are wrong (422).
func IsValidationFailed(err error) bool { return hasStatus(err, http.StatusUnprocessableEntity) }

// IsRateLimited says whether there were too many requests (429).
func IsRateLimited(err error) bool { return hasStatus(err, http.StatusTooManyRequests) }

// IsServerError says whether the fault is the server's (500 and above).
func IsServerError(err error) bool {
	var problem *Error
	return errors.As(err, &problem) && problem.Status >= http.StatusInternalServerError
}

func hasStatus(err error, status int) bool {
	var problem *Error
	return errors.As(err, &problem) && problem.Status == status
}

// readProblem makes an error of any answer that is not a success.
func readProblem(operation string, response *http.Response, now time.Time) *Error {
	problem := &Error{
		Status:     response.StatusCode,
		Title:      http.StatusText(response.StatusCode),
		TraceID:    response.Header.Get("X-Trace-Id"),
		RetryAfter: retryAfter(response.Header, now),
		operation:  operation,
	}
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if kind == "application/problem+json" || kind == "application/json" {
		problem.read(io.LimitReader(response.Body, maxProblem))
	}
	return problem
}

// read takes what the document says; of one that is cut off, or of another kind, nothing.
func (e *Error) read(body io.Reader) {
	var document struct {
		Type    string       `json:"type"`
		Title   string       `json:"title"`
		Detail  string       `json:"detail"`
		TraceID string       `json:"trace_id"`
		Errors  []FieldError `json:"errors"`
		// Those of OAuth (RFC 6749 section 5.2).
		OAuth       string `json:"error"`
		Description string `json:"error_description"`
	}
	if json.NewDecoder(body).Decode(&document) != nil {
		return
	}
	e.Type = firstOf(document.Type, document.OAuth)
	e.Title = firstOf(document.Title, e.Title)
	e.Detail = firstOf(document.Detail, document.Description)
	e.TraceID = firstOf(document.TraceID, e.TraceID)
	e.Errors = document.Errors
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
