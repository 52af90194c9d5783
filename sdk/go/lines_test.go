package chancery

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestLinesAreReadWhileTheyAreSent(t *testing.T) {
	goOn := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, "{\"type\": \"log\"}\n\n")
		w.(http.Flusher).Flush()
		<-goOn
		io.WriteString(w, `{"type": "end"}`)
	})
	client, _ := newTestClient(t, server, WithTimeout(50*time.Millisecond))
	lines, err := client.Audit.Export(context.Background(), nil)
	check(t, err)
	defer lines.Close()
	var types []string
	for lines.Next() {
		var line struct{ Type string }
		check(t, lines.Decode(&line))
		types = append(types, line.Type)
		if len(types) == 1 {
			time.Sleep(75 * time.Millisecond)
			close(goOn)
		}
	}
	if err := lines.Err(); err != nil || len(types) != 2 || types[1] != "end" {
		t.Errorf("%v, %v", types, err)
	}
}

func TestLinesThatAreCutOffEndWithAnError(t *testing.T) {
	client, _ := newTestClient(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "{\"type\": \"log\"}\n{\"type\": ")
		w.(http.Flusher).Flush()
		lost(w, r)
	}))
	lines, err := client.Audit.Export(context.Background(), nil)
	check(t, err)
	defer lines.Close()
	count := 0
	for lines.Next() {
		count++
	}
	var failure *ConnectionFailed
	if count != 1 || !errors.As(lines.Err(), &failure) {
		t.Errorf("%d lines, %v", count, lines.Err())
	}
}

func TestAnExportThatIsRefusedIsAnError(t *testing.T) {
	client, _ := newTestClient(t, serve(t, refusing(403, `{"title": "No"}`)))
	if _, err := client.Audit.Export(context.Background(), nil); !IsPermissionDenied(err) {
		t.Errorf("%v", err)
	}
}

// endless sends blanks until nobody takes them any more.
func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	piece := bytes.Repeat([]byte(" "), 1<<20)
	for {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

func TestAnAnswerWithoutAnEndIsLeftAndDoesNotFillTheMemory(t *testing.T) {
	ctx := context.Background()
	asks := map[string]func(*Client) error{
		"model": func(c *Client) error { _, err := c.Certificates.Get(ctx, "1"); return err },
		"file":  func(c *Client) error { _, err := c.Certificates.Download(ctx, "1", nil); return err },
		"line": func(c *Client) error {
			lines, err := c.Audit.Export(ctx, nil)
			check(t, err)
			defer lines.Close()
			if lines.Next() {
				t.Errorf("a line of %d bytes", len(lines.Line()))
			}
			return lines.Err()
		},
	}
	for name, ask := range asks {
		server := serve(t, endless)
		client, _ := newTestClient(t, server, WithTimeout(0))
		var tooLong *AnswerTooLong
		if err := ask(client); !errors.As(err, &tooLong) || !strings.Contains(err.Error(), "64 MiB") {
			t.Errorf("%s: %v", name, err)
		}
		server.wantRequests(t, 1)
	}
}

func TestALineMayBeLongerThanABuffer(t *testing.T) {
	text := strings.Repeat("x", 100_000)
	client, _ := newTestClient(t, serve(t, given(200, `{"a": "`+text+"\"}\n"+`{"b": "`+text+`"}`)))
	lines, err := client.Audit.Export(context.Background(), nil)
	check(t, err)
	defer lines.Close()
	count := 0
	for lines.Next() {
		var line map[string]string
		check(t, lines.Decode(&line))
		if line["a"]+line["b"] != text {
			t.Errorf("%d bytes", len(lines.Line()))
		}
		count++
	}
	if err := lines.Err(); err != nil || count != 2 {
		t.Errorf("%d lines, %v", count, err)
	}
}
