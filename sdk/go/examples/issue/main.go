// Issue asks for a certificate from a template.
//
//	CHANCERY_URL=https://pki.example.com CHANCERY_API_KEY=pkf_… go run ./examples/issue
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"chancery"
)

func main() {
	client := chancery.NewClient(
		chancery.WithBaseURL(os.Getenv("CHANCERY_URL")),
		chancery.WithAPIKey(os.Getenv("CHANCERY_API_KEY")),
	)

	cert, err := client.Certificates.Issue(context.Background(), &chancery.IssueRequest{
		TemplateCode: "web-tls",
		CommonName:   "www.example.com",
		SANs:         []string{"www.example.com", "example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}

	fmt.Printf("Issued: %s\n", cert.Serial)
	fmt.Printf("It ends: %s\n", cert.NotAfter)
}
