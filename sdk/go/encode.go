package chancery

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// encodeBody writes a request as JSON, in which its secrets are shown: json.Marshal would write "[secret]".
func encodeBody(request any) ([]byte, error) {
	return json.Marshal(plain(reflect.ValueOf(request)))
}

// encodeQuery writes parameters as they stand in an address; of nil there is nothing.
func encodeQuery(parameters any) url.Values {
	query := url.Values{}
	fields, _ := plain(reflect.ValueOf(parameters)).(map[string]any)
	for name, value := range fields {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, item := range list {
			query.Add(name, spelled(item))
		}
	}
	return query
}

func spelled(value any) string {
	if moment, isTime := value.(time.Time); isTime {
		return moment.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value)
}

// plain turns structs into maps, by their json tags, and secrets into their texts.
func plain(value reflect.Value) any {
	if !value.IsValid() {
		return nil
	}
	switch content := value.Interface().(type) {
	case Secret:
		return content.Reveal()
	case time.Time:
		return content
	case interface{ content() any }:
		return plain(reflect.ValueOf(content.content()))
	}
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		return plain(value.Elem())
	case reflect.Struct:
		return plainFields(value)
	case reflect.Slice:
		return plainItems(value)
	case reflect.Map:
		return plainEntries(value)
	}
	return value.Interface()
}

func plainFields(value reflect.Value) map[string]any {
	fields := map[string]any{}
	for i := 0; i < value.NumField(); i++ {
		name, options, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		if options == "omitempty" && isAbsent(value.Field(i)) {
			continue
		}
		fields[name] = plain(value.Field(i))
	}
	return fields
}

func plainItems(value reflect.Value) []any {
	items := make([]any, value.Len())
	for i := range items {
		items[i] = plain(value.Index(i))
	}
	return items
}

func plainEntries(value reflect.Value) map[string]any {
	entries := map[string]any{}
	for _, key := range value.MapKeys() {
		entries[key.String()] = plain(value.MapIndex(key))
	}
	return entries
}

// isAbsent tells an empty list, which a request may send, from one that is not there.
func isAbsent(value reflect.Value) bool {
	if zero, knows := value.Interface().(interface{ IsZero() bool }); knows && value.Kind() != reflect.Pointer {
		return zero.IsZero()
	}
	return value.IsZero()
}
