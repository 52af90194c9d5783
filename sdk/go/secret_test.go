package chancery

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log"
	"strings"
	"testing"
)

const precious = "-----BEGIN PRIVATE KEY-----"

type holder struct {
	Shown  Secret
	hidden Secret
	Many   []Secret
	ByName map[string]Secret
	Far    *Secret
}

func TestASecretIsNotShown(t *testing.T) {
	secret := NewSecret(precious)
	whole := holder{secret, secret, []Secret{secret}, map[string]Secret{"a": secret}, &secret}
	for _, value := range []any{secret, &secret, whole, &whole, []holder{whole}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(format, value); strings.Contains(text, "BEGIN") || strings.Contains(text, "2d2d2d") {
				t.Errorf("%s of %T: %s", format, value, text)
			}
		}
		if text, err := json.Marshal(value); err != nil || strings.Contains(string(text), "BEGIN") {
			t.Errorf("JSON of %T: %s, %v", value, text, err)
		}
	}
	if text, err := xml.Marshal(secret); err != nil || strings.Contains(string(text), "BEGIN") {
		t.Errorf("XML: %s, %v", text, err)
	}
	if secret.String() != "[secret]" || fmt.Sprint(secret) != "[secret]" || secret.Reveal() != precious {
		t.Errorf("%v reveals %q", secret, secret.Reveal())
	}
}

func TestNoSecretIsToldFromOne(t *testing.T) {
	var none Secret
	if !none.IsZero() || none.Reveal() != "" || none.String() != "" || NewSecret("").IsZero() {
		t.Error("no secret is not nothing")
	}
	var read struct{ A, B Secret }
	check(t, json.Unmarshal([]byte(`{"A": null, "B": "x"}`), &read))
	if !read.A.IsZero() || read.B.Reveal() != "x" {
		t.Errorf("%q, %q", read.A.Reveal(), read.B.Reveal())
	}
	if err := json.Unmarshal([]byte(`{"A": 12345}`), &read); err == nil || strings.Contains(err.Error(), "12345") {
		t.Errorf("%v", err)
	}
}

func TestAnAnswerWithAKeyIsNotShown(t *testing.T) {
	client, _ := newTestClient(t, serve(t, given(201, `{"id": "1", "private_key": "`+precious+`"}`)))
	cert, err := client.Certificates.Issue(context.Background(), &IssueRequest{})
	check(t, err)
	var logged strings.Builder
	log.New(&logged, "", 0).Printf("%v %+v %#v", cert, *cert, cert)
	document, err := json.Marshal(cert)
	check(t, err)
	if strings.Contains(logged.String()+string(document), precious) || cert.PrivateKey.Reveal() != precious {
		t.Errorf("%s\n%s", logged.String(), document)
	}
}

func TestAClientDoesNotShowItsCredential(t *testing.T) {
	client, _ := newTestClient(t, serve(t, failing(500)), WithAPIKey("pkf_precious"), WithRetries(0))
	if text := fmt.Sprintf("%v %+v %#v", client, *client, client.Certificates); strings.Contains(text, "precious") {
		t.Error(text)
	}
	request := &IssueRequest{Passphrase: NewSecret("open sesame")}
	_, err := client.Certificates.Issue(context.Background(), request)
	for _, text := range []string{fmt.Sprintf("%+v", request), fmt.Sprintf("%+v %#v", err, err)} {
		if strings.Contains(text, "sesame") || strings.Contains(text, "precious") {
			t.Error(text)
		}
	}
}

func TestAWrongAnswerIsNotQuoted(t *testing.T) {
	client, _ := newTestClient(t, serve(t, given(201, `{"serial": {"precious": 1}, "private_key": ["precious"]}`)))
	_, err := client.Certificates.Issue(context.Background(), &IssueRequest{})
	if err == nil || strings.Contains(err.Error(), "precious") {
		t.Errorf("%v", err)
	}
}
