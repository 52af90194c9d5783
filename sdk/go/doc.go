// Package chancery is a client of Chancery, a certificate authority with an API.
//
// A Client has one service for each kind of resource. A method takes a context, what stands in the path, and a request
// or parameters; it answers with a model, a file, or an Iterator:
//
//	client := chancery.NewClient(
//		chancery.WithBaseURL("https://pki.example.com"),
//		chancery.WithAPIKey(os.Getenv("CHANCERY_API_KEY")),
//	)
//	cert, err := client.Certificates.Issue(ctx, &chancery.IssueRequest{
//		TemplateCode: "web-tls",
//		CommonName:   "www.example.com",
//		SANs:         []string{"www.example.com", "example.com"},
//	})
//
// # Errors
//
// A refusal of the server is an *Error, to be asked with errors.As or with IsNotFound, IsConflict and the like. Where the
// server gave no answer it is a *ConnectionFailed, where somebody has to approve first a *NotYetIssued. What was wrong
// with the client's options is told by Client.Err, and by every call.
//
// # Retries
//
// A call is repeated, four times at most, when the connection fails, when there are too many requests, and when the
// server is out of order for the moment. A POST carries an Idempotency-Key, so that the server does what is asked for
// once, however often it was sent; one that the server does not remember is only repeated where it cannot have acted.
// The context ends waiting at any time.
//
// # Secrets
//
// Private keys, tokens and passwords are of the type Secret, which does not print.
package chancery
