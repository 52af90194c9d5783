package chancery

import (
	"context"
	"fmt"
)

// credential gives the bearer token of each request.
type credential interface {
	token(ctx context.Context) (Secret, error)
	// renew gives another token in the place of one that the server refused; the same one where there is no other.
	renew(ctx context.Context, refused Secret) (Secret, error)
}

// noToken is a call that was not sent: whoever gives the tokens has repeated already what may be repeated.
type noToken struct {
	error
}

func (e noToken) Unwrap() error {
	return e.error
}

type fixedToken struct {
	secret Secret
}

func (t fixedToken) token(context.Context) (Secret, error) {
	return t.secret, nil
}

func (t fixedToken) renew(context.Context, Secret) (Secret, error) {
	return t.secret, nil
}

type tokenFunc func(context.Context) (string, error)

func (f tokenFunc) token(ctx context.Context) (Secret, error) {
	text, err := f(ctx)
	if err != nil {
		return Secret{}, fmt.Errorf("chancery: no token: %w", err)
	}
	return NewSecret(text), nil
}

func (f tokenFunc) renew(ctx context.Context, _ Secret) (Secret, error) {
	return f.token(ctx)
}
