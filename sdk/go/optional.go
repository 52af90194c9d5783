package chancery

import "encoding/json"

// Ptr gives a pointer to a value, for the fields of a request that may be left out.
func Ptr[T any](value T) *T {
	return &value
}

// Nullable is a field that a change may leave as it is (the zero value), set (Set), or take away (Null).
type Nullable[T any] struct {
	isSent bool
	value  *T
}

// Set is a new value.
func Set[T any](value T) Nullable[T] {
	return Nullable[T]{isSent: true, value: &value}
}

// Null takes away what there is.
func Null[T any]() Nullable[T] {
	return Nullable[T]{isSent: true}
}

// IsZero says whether the field is left as it is.
func (n Nullable[T]) IsZero() bool {
	return !n.isSent
}

// MarshalJSON writes the value, or null.
func (n Nullable[T]) MarshalJSON() ([]byte, error) {
	return json.Marshal(n.value)
}

// UnmarshalJSON reads a value, or null.
func (n *Nullable[T]) UnmarshalJSON(data []byte) error {
	n.isSent = true
	return json.Unmarshal(data, &n.value)
}

func (n Nullable[T]) content() any {
	if n.value == nil {
		return nil
	}
	return *n.value
}
