package chancery

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"
)

func page(ids string, next string) http.HandlerFunc {
	return given(200, fmt.Sprintf(
		`{"data": [%s], "pagination": {"next_cursor": %s, "total": 3, "total_is_estimate": false}}`, ids, next))
}

const one, two, three = `{"id": "1"}`, `{"id": "2"}`, `{"id": "3"}`

func TestAListIsReadPageByPage(t *testing.T) {
	server := serve(t, page(one+","+two, `"c/1"`), page("", `"c2"`), page(three, "null"))
	client, _ := newTestClient(t, server)
	list := client.Certificates.List(context.Background(), &CertificateListParams{Limit: 2})
	server.wantRequests(t, 0)
	var ids []string
	for list.Next() {
		ids = append(ids, list.Item().ID)
		if len(ids) == 2 {
			server.wantRequests(t, 1)
		}
	}
	check(t, list.Err())
	if !reflect.DeepEqual(ids, []string{"1", "2", "3"}) || list.Next() {
		t.Errorf("%v", ids)
	}
	if count, isEstimate := list.Total(); count != 3 || isEstimate {
		t.Errorf("%d, %t", count, isEstimate)
	}
	for i, wanted := range []string{"limit=2", "cursor=c%2F1&limit=2", "cursor=c2&limit=2"} {
		if address := server.request(i).address; address != "/api/v2/certificates?"+wanted {
			t.Error(address)
		}
	}
}

func TestPagesMayBeTakenWhole(t *testing.T) {
	client, _ := newTestClient(t, serve(t, page(one+","+two, `"c"`), page(three, "null")))
	list := client.Certificates.List(context.Background(), nil)
	var sizes []int
	for list.NextPage() {
		sizes = append(sizes, len(list.Page()))
	}
	if !reflect.DeepEqual(sizes, []int{2, 1}) || list.Err() != nil {
		t.Errorf("%v, %v", sizes, list.Err())
	}
}

func TestAllIsWhatIsLeft(t *testing.T) {
	client, _ := newTestClient(t, serve(t, page(one+","+two, `"c"`), page(three, "null")))
	list := client.Certificates.List(context.Background(), nil)
	list.Next()
	items, err := list.All()
	check(t, err)
	if len(items) != 2 || items[0].ID != "2" || items[1].ID != "3" {
		t.Errorf("%+v", items)
	}
}

func TestAListEndsWithItsError(t *testing.T) {
	server := serve(t, page(one, `"c"`), failing(403))
	client, _ := newTestClient(t, server)
	list := client.Certificates.List(context.Background(), nil)
	items, err := list.All()
	if len(items) != 1 || !IsPermissionDenied(err) || list.Next() {
		t.Errorf("%d items, %v", len(items), err)
	}
	server.wantRequests(t, 2)
}

func TestAListThatGoesInCirclesIsEnded(t *testing.T) {
	client, _ := newTestClient(t, serve(t, page(one, `"c"`)))
	items, err := client.Certificates.List(context.Background(), nil).All()
	if len(items) != 1 || err == nil {
		t.Errorf("%d items, %v", len(items), err)
	}
}
