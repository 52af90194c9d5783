package chancery

import (
	"encoding/json"
	"fmt"
)

const hidden = "[secret]"

// Secret is a text that is not shown: not by fmt, not in JSON, not in a log. Reveal gives it. The zero value is no
// secret at all.
type Secret struct {
	// fmt does not call the methods of what stands in unexported fields of others; of a pointer it prints the address.
	text *string
}

// NewSecret hides a text.
func NewSecret(text string) Secret {
	return Secret{text: &text}
}

// Reveal gives the text; "" where there is none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero says whether there is no secret, not even an empty one.
func (s Secret) IsZero() bool {
	return s.text == nil
}

// String is "[secret]", or "" where there is none.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format writes String, whatever the verb.
func (s Secret) Format(state fmt.State, verb rune) {
	fmt.Fprint(state, s.String())
}

// MarshalText gives String, also to encoding/xml, log/slog and others.
func (s Secret) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// MarshalJSON gives String, and null where there is no secret.
func (s Secret) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(hidden)
}

// UnmarshalJSON hides the text that was read.
func (s *Secret) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil {
		// The message of the error would show what it could not read.
		return fmt.Errorf("chancery: a secret is a text")
	}
	s.text = text
	return nil
}
