package chancery

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
)

// Lines reads JSON lines while the server sends them:
//
//	lines, err := client.Audit.Export(ctx, nil)
//	if err != nil {
//		return err
//	}
//	defer lines.Close()
//	for lines.Next() {
//		archive.Write(append(lines.Line(), '\n'))
//	}
//	return lines.Err()
type Lines struct {
	body   io.ReadCloser
	reader *bufio.Reader
	name   string
	line   json.RawMessage
	err    error
}

func stream(ctx context.Context, s *sender, c *call, options []CallOption) (*Lines, error) {
	response, err := s.open(ctx, c, options)
	if err != nil {
		return nil, err
	}
	return &Lines{body: response.Body, reader: bufio.NewReader(response.Body), name: c.name()}, nil
}

// Next goes on to the next line; false at the end, and where something went wrong (Err).
func (l *Lines) Next() bool {
	for l.err == nil {
		line, err := l.read()
		l.err = err
		l.line = bytes.TrimSpace(line)
		if len(l.line) > 0 && (err == nil || err == io.EOF) {
			return true
		}
	}
	return false
}

// read gives all up to the end of a line, as long as that comes.
func (l *Lines) read() ([]byte, error) {
	var line []byte
	for {
		piece, err := l.reader.ReadSlice('\n')
		line = append(line, piece...)
		if len(line) > maxAnswer {
			return nil, &AnswerTooLong{operation: l.name}
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// Line is the line that Next went on to, as it was sent, without its end.
func (l *Lines) Line() json.RawMessage {
	return l.line
}

// Decode reads the line into a value.
func (l *Lines) Decode(value any) error {
	return json.Unmarshal(l.line, value)
}

// Err is what went wrong; nil where everything was read that was sent.
func (l *Lines) Err() error {
	if l.err == nil || l.err == io.EOF {
		return nil
	}
	if _, isTooLong := l.err.(*AnswerTooLong); isTooLong {
		return l.err
	}
	return &ConnectionFailed{Err: l.err, MayHaveActed: true, operation: l.name}
}

// Close ends reading, at any time.
func (l *Lines) Close() error {
	return l.body.Close()
}
