package chancery

import (
	"context"
	"errors"
)

// Iterator goes through a list, and fetches page after page:
//
//	certificates := client.Certificates.List(ctx, nil)
//	for certificates.Next() {
//		fmt.Println(certificates.Item().Serial)
//	}
//	if err := certificates.Err(); err != nil {
//		return err
//	}
//
// It belongs to one goroutine.
type Iterator[T any] struct {
	fetch func(cursor string) (*listing[T], error)

	page   []T
	at     int
	cursor string
	isLast bool
	total  total
	err    error
}

// ListParams is what every list may be told.
type ListParams struct {
	// Limit is how many items are fetched at once: 50 by default, 1000 at most.
	Limit int `json:"limit,omitempty"`
}

type listing[T any] struct {
	Data       []T   `json:"data"`
	Pagination total `json:"pagination"`
}

type total struct {
	NextCursor *string `json:"next_cursor"`
	Count      int     `json:"total"`
	IsEstimate bool    `json:"total_is_estimate"`
}

func newIterator[T any](ctx context.Context, s *sender, c *call, options []CallOption) *Iterator[T] {
	return &Iterator[T]{fetch: func(cursor string) (*listing[T], error) {
		next := *c
		next.cursor = cursor
		return fetch[listing[T]](ctx, s, &next, options)
	}}
}

// Next goes on to the next item; false at the end, and where something went wrong (Err).
func (it *Iterator[T]) Next() bool {
	it.at++
	for it.at >= len(it.page) {
		if !it.NextPage() {
			return false
		}
		it.at = 0
	}
	return true
}

// Item is the item that Next went on to.
func (it *Iterator[T]) Item() *T {
	return &it.page[it.at]
}

// NextPage goes on to the next page, for those who want many items at once; what Next has not shown of this one is
// passed over. A page may be empty.
func (it *Iterator[T]) NextPage() bool {
	if it.isLast || it.err != nil {
		it.page = nil
		return false
	}
	answer, err := it.fetch(it.cursor)
	if err != nil {
		it.page, it.err = nil, err
		return false
	}
	next := answer.Pagination.NextCursor
	it.isLast = next == nil || *next == ""
	if !it.isLast && *next == it.cursor {
		it.page, it.err = nil, errors.New("chancery: the list goes in circles")
		return false
	}
	if !it.isLast {
		it.cursor = *next
	}
	it.page, it.at, it.total = answer.Data, len(answer.Data), answer.Pagination
	return true
}

// Page has the items of the page that NextPage went on to.
func (it *Iterator[T]) Page() []T {
	return it.page
}

// All reads what is left.
func (it *Iterator[T]) All() ([]T, error) {
	var items []T
	for it.Next() {
		items = append(items, *it.Item())
	}
	return items, it.err
}

// Total is how many items the server counts; it is known once the first page is there. Where there are very many, it is
// an estimate.
func (it *Iterator[T]) Total() (count int, isEstimate bool) {
	return it.total.Count, it.total.IsEstimate
}

// Err is what went wrong; nil where the list was read to its end.
func (it *Iterator[T]) Err() error {
	return it.err
}
