package chancery_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"chancery"
)

// at is what stands at this path; nil where nothing does.
func at(value any, path string) any {
	for path != "" {
		var name string
		name, path, _ = strings.Cut(path, ".")
		value = member(reflect.ValueOf(value), name)
	}
	return bare(reflect.ValueOf(value))
}

// bare is what a pointer points to.
func bare(value reflect.Value) any {
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if !value.IsValid() || value.Kind() == reflect.Pointer {
		return nil
	}
	return value.Interface()
}

func member(value reflect.Value, name string) any {
	value = reflect.ValueOf(bare(value))
	switch value.Kind() {
	case reflect.Map:
		if found := value.MapIndex(reflect.ValueOf(name)); found.IsValid() {
			return found.Interface()
		}
	case reflect.Slice:
		place, _ := strconv.Atoi(name)
		if place < 0 {
			place += value.Len()
		}
		if place >= 0 && place < value.Len() {
			return value.Index(place).Interface()
		}
	case reflect.Struct:
		for i := 0; i < value.NumField(); i++ {
			if wire, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ","); wire == name {
				return value.Field(i).Interface()
			}
		}
	}
	return nil
}

func isAsExpected(wanted, actual any) bool {
	if members, isMap := wanted.(map[string]any); isMap && len(members) == 1 {
		for word, argument := range members {
			if matcher := matchers[word]; matcher != nil {
				return matcher(argument, actual)
			}
		}
	}
	return isEqual(wanted, actual)
}

func isEqual(wanted, actual any) bool {
	return reflect.DeepEqual(wanted, inJSON(actual))
}

// inJSON is a value as JSON has it; a text that was downloaded is text.
func inJSON(value any) any {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var plain any
	if err := json.Unmarshal(content, &plain); err != nil {
		panic(err)
	}
	return plain
}

var matchers map[string]func(argument, actual any) bool

func init() {
	matchers = map[string]func(argument, actual any) bool{
		"$begins":   func(argument, actual any) bool { return strings.HasPrefix(text(actual), argument.(string)) },
		"$ends":     func(argument, actual any) bool { return strings.HasSuffix(text(actual), argument.(string)) },
		"$holds":    holds,
		"$bytes":    func(argument, actual any) bool { return strings.HasPrefix(hex(actual), argument.(string)) },
		"$count":    func(argument, actual any) bool { return float64(len(items(actual))) == argument },
		"$some":     func(_, actual any) bool { return isSome(actual) },
		"$not":      func(argument, actual any) bool { return !isAsExpected(argument, actual) },
		"$includes": includes,
		"$time":     isTime,
		"$secret":   isSecret,
	}
}

func text(actual any) string {
	if content, isBytes := actual.([]byte); isBytes {
		return string(content)
	}
	found, _ := actual.(string)
	return found
}

func hex(actual any) string {
	content, _ := actual.([]byte)
	return fmt.Sprintf("%x", content)
}

func items(actual any) []any {
	list, _ := inJSON(actual).([]any)
	return list
}

func holds(argument, actual any) bool {
	for _, item := range items(actual) {
		if reflect.DeepEqual(item, argument) {
			return true
		}
	}
	part, isText := argument.(string)
	return isText && strings.Contains(text(actual), part)
}

func isSome(actual any) bool {
	switch plain := inJSON(actual).(type) {
	case nil:
		return false
	case string:
		return plain != ""
	case []any:
		return len(plain) > 0
	case map[string]any:
		return len(plain) > 0
	}
	return true
}

func includes(argument, actual any) bool {
	found, isMap := inJSON(actual).(map[string]any)
	for name, value := range argument.(map[string]any) {
		if !isMap || !reflect.DeepEqual(found[name], value) {
			return false
		}
	}
	return isMap
}

func isTime(_, actual any) bool {
	moment, isTime := actual.(time.Time)
	return isTime && !moment.IsZero()
}

func isSecret(argument, actual any) bool {
	secret, isSecret := actual.(chancery.Secret)
	if !isSecret || !strings.HasPrefix(secret.Reveal(), argument.(string)) {
		return false
	}
	document, err := json.Marshal([]any{secret})
	shown := fmt.Sprintf("%v %+v %#v %s %q", secret, secret, []any{secret}, secret, secret) + string(document)
	return err == nil && !strings.Contains(shown, argument.(string))
}
