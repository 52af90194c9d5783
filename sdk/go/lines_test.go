package chancery

import (
	"context"
	"errors"
	"io"
	"net/http"
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
