package chancery

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// newKey is a key that nobody guesses: the remembered answer may hold a private key.
func newKey() (string, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("chancery: no random numbers: %w", err)
	}
	return hex.EncodeToString(random), nil
}
