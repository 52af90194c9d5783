package chancery_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"chancery"
)

func ExampleNewClient() {
	client := chancery.NewClient(
		chancery.WithBaseURL("https://pki.example.com"),
		chancery.WithAPIKey(os.Getenv("CHANCERY_API_KEY")),
		chancery.WithRootCAFile("/etc/ssl/office-root.pem"),
	)
	if err := client.Err(); err != nil {
		log.Fatal(err)
	}
}

func ExampleWithClientCertificateFiles() {
	client := chancery.NewClient(
		chancery.WithBaseURL("https://pki.example.com:8443"),
		chancery.WithClientCertificateFiles("robot.pem", "robot.key"),
	)
	fmt.Println(client.Whoami.Get(ctx))
}

func ExampleWithOAuth() {
	client := chancery.NewClient(
		chancery.WithBaseURL("https://pki.example.com"),
		chancery.WithOAuth(chancery.OAuth{
			ClientID: "a1b2c3",
			Tokens:   chancery.Tokens{Refresh: chancery.NewSecret(os.Getenv("REFRESH_TOKEN"))},
			Store: func(tokens chancery.Tokens) error {
				return os.WriteFile("refresh-token", []byte(tokens.Refresh.Reveal()), 0o600)
			},
		}),
	)
	fmt.Println(client.Whoami.Get(ctx))
}

func ExampleCertificatesService_Issue() {
	cert, err := client.Certificates.Issue(ctx, &chancery.IssueRequest{
		TemplateCode: "web-tls",
		CommonName:   "www.example.com",
		SANs:         []string{"www.example.com", "example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cert.Serial, cert.NotAfter.Format("2 January 2006"))
	fmt.Println(cert.PrivateKey)
	// Output:
	// 3F:A1:B2:C3 15 April 2026
	// [secret]
}

func ExampleCertificatesService_List() {
	certificates := client.Certificates.List(ctx, &chancery.CertificateListParams{
		Status:    "issued",
		ExpiresLt: "30d",
	})
	for certificates.Next() {
		fmt.Println(certificates.Item().Serial)
	}
	if err := certificates.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3F:A1:B2:C3
	// 0A:44:91:7E
}

func ExampleCertificatesService_Download() {
	file, err := client.Certificates.Download(ctx, "7c9e", &chancery.CertificateDownloadParams{Fmt: "fullchain"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.27s\n", file)
	// Output: -----BEGIN CERTIFICATE-----
}

func ExampleCertificatesService_Update() {
	cert, err := client.Certificates.Update(ctx, "7c9e", &chancery.LabelsRequest{
		Description: chancery.Ptr("The shop"),
		Tags:        []string{}, // takes all of them away; nil leaves them
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cert.Description, cert.Tags)
	// Output: The shop []
}

func ExampleNotYetIssued() {
	_, err := client.Certificates.Renew(ctx, "7c9e", nil)
	var pending *chancery.NotYetIssued
	if errors.As(err, &pending) && pending.Request != nil {
		fmt.Println("Somebody has to approve", pending.Request.ID)
	}
	// Output: Somebody has to approve b1c0
}

func ExampleError() {
	_, err := client.Roles.Create(ctx, &chancery.RoleRequest{Name: "web", MaxTTL: "long"})
	var problem *chancery.Error
	if errors.As(err, &problem) {
		fmt.Println(problem.Status, problem.Errors[0].Field, problem.Errors[0].Detail)
	}
	// Output: 422 max_ttl A number and a unit, such as 90d.
}

func ExampleAuditService_Export() {
	lines, err := client.Audit.Export(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer lines.Close()
	for lines.Next() {
		fmt.Println(string(lines.Line()))
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {"type":"event"}
	// {"type":"end"}
}
