package chancery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"chancery"
)

// The scenario that every SDK plays against a running server: ../scenario/README.md says how.
func TestScenario(t *testing.T) {
	environment := os.Getenv("SCENARIO")
	if environment == "" {
		t.Skip("there is no SCENARIO to play")
	}
	var told play
	if err := json.Unmarshal([]byte(environment), &told); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(told.Scenario)
	if err != nil {
		t.Fatal(err)
	}
	var scenario struct{ Steps []step }
	if err := json.Unmarshal(content, &scenario); err != nil {
		t.Fatal(err)
	}
	player := &player{told: told, clients: map[string]*chancery.Client{}}
	for _, step := range scenario.Steps {
		if err := player.play(step); err != nil {
			t.Fatalf("%s (%s): %v", step.Name, step.Call, err)
		}
	}
	fmt.Printf("played %d steps\n", len(scenario.Steps))
}

type play struct {
	Scenario string
	URL      string
	Keys     map[string]string
	Values   map[string]any
}

type step struct {
	Name string
	// Wrong: it is to be noticed that the step is not as it should be.
	Wrong   bool
	As      string
	Call    string
	Path    []any
	With    map[string]any
	Query   map[string]any
	Key     any
	Retries *int
	Faults  []any
	Fails   string
	Expect  map[string]any
	Keep    map[string]string
	Seen    map[string]any
}

// player is one play: its clients, and what was kept.
type player struct {
	told    play
	clients map[string]*chancery.Client
}

func (p *player) play(step step) error {
	err := p.take(step)
	if !step.Wrong {
		return err
	}
	if err == nil {
		return errors.New("what is wrong was not noticed")
	}
	return nil
}

func (p *player) take(step step) error {
	if err := p.arrange(step.Faults); err != nil {
		return err
	}
	found, failure := p.call(step)
	if err := requireFailure(step.Fails, failure); err != nil {
		return err
	}
	if failure != nil {
		found = readable(failure)
	}
	if err := p.compare(step.Expect, found); err != nil {
		return err
	}
	for name, path := range step.Keep {
		p.told.Values[name] = inJSON(at(found, path))
	}
	return p.compareSeen(step.Seen)
}

func (p *player) arrange(faults []any) error {
	if faults == nil {
		faults = []any{}
	}
	body, err := json.Marshal(map[string]any{"faults": faults})
	if err != nil {
		return err
	}
	answer, err := http.Post(p.told.URL+"/__faults", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (p *player) compareSeen(wanted map[string]any) error {
	answer, err := http.Get(p.told.URL + "/__faults")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var seen any
	if err := json.NewDecoder(answer.Body).Decode(&seen); err != nil {
		return err
	}
	all := map[string]any{"left": []any{}}
	for path, value := range wanted {
		all[path] = value
	}
	return p.compare(all, seen)
}

func (p *player) call(step step) (any, error) {
	resource, method, _ := strings.Cut(step.Call, ".")
	service := reflect.ValueOf(p.client(step)).Elem().FieldByNameFunc(func(name string) bool { return same(name, resource) })
	for i := 0; service.IsValid() && i < service.NumMethod(); i++ {
		if same(service.Type().Method(i).Name, method) {
			return results(service.Method(i).Call(p.arguments(service.Method(i).Type(), step)))
		}
	}
	panic("there is no " + step.Call)
}

func (p *player) client(step step) *chancery.Client {
	who := step.As
	if who == "" {
		who = "officer"
	}
	options := []chancery.Option{chancery.WithBaseURL(p.told.URL), chancery.WithAPIKey(p.told.Keys[who])}
	if step.Retries != nil {
		options = append(options, chancery.WithRetries(*step.Retries))
		who += strconv.Itoa(*step.Retries)
	}
	if p.clients[who] == nil {
		p.clients[who] = chancery.NewClient(options...)
	}
	return p.clients[who]
}

// arguments are told apart by their types: texts are of the path, params of the query, other structs the body.
func (p *player) arguments(method reflect.Type, step step) []reflect.Value {
	values := []reflect.Value{reflect.ValueOf(context.Background())}
	path := step.Path
	for i := 1; i < method.NumIn()-1; i++ {
		switch parameter := method.In(i); {
		case parameter.Kind() == reflect.String:
			values = append(values, reflect.ValueOf(fmt.Sprint(p.filled(path[0]))))
			path = path[1:]
		case strings.HasSuffix(parameter.Elem().Name(), "Params"):
			values = append(values, p.request(parameter, step.Query))
		default:
			values = append(values, p.request(parameter, step.With))
		}
	}
	if step.Key != nil {
		values = append(values, reflect.ValueOf(chancery.WithIdempotencyKey(fmt.Sprint(p.filled(step.Key)))))
	}
	return values
}

// request is a request with these fields; nil where there are none.
func (p *player) request(pointer reflect.Type, fields map[string]any) reflect.Value {
	if fields == nil {
		return reflect.Zero(pointer)
	}
	content, err := json.Marshal(p.filled(fields))
	if err != nil {
		panic(err)
	}
	made := reflect.New(pointer.Elem())
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(made.Interface()); err != nil {
		panic(err)
	}
	return made
}

// results is what a method has answered, read to its end.
func results(values []reflect.Value) (any, error) {
	if err, isError := values[len(values)-1].Interface().(error); isError {
		return nil, err
	}
	switch answer := values[0].Interface().(type) {
	case nil:
		return nil, nil
	case *chancery.Lines:
		return readLines(answer)
	}
	if all := values[0].MethodByName("All"); all.IsValid() {
		items := all.Call(nil)
		err, _ := items[1].Interface().(error)
		return map[string]any{"items": append([]any{}, each(items[0])...)}, err
	}
	return values[0].Interface(), nil
}

func readLines(lines *chancery.Lines) (any, error) {
	defer lines.Close()
	var items []any
	for lines.Next() {
		var item any
		if err := lines.Decode(&item); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return map[string]any{"items": items}, lines.Err()
}

func each(list reflect.Value) []any {
	items := make([]any, list.Len())
	for i := range items {
		items[i] = list.Index(i).Interface()
	}
	return items
}

// same compares names of the wire with those of Go.
func same(name, other string) bool {
	return strings.EqualFold(strings.ReplaceAll(name, "_", ""), strings.ReplaceAll(other, "_", ""))
}

var failures = map[string]func(error) bool{
	"ApiError":             is[*chancery.Error],
	"BadRequest":           chancery.IsBadRequest,
	"AuthenticationFailed": chancery.IsAuthenticationFailed,
	"NotLicensed":          chancery.IsNotLicensed,
	"PermissionDenied":     chancery.IsPermissionDenied,
	"NotFound":             chancery.IsNotFound,
	"Conflict":             chancery.IsConflict,
	"ValidationFailed":     chancery.IsValidationFailed,
	"RateLimited":          chancery.IsRateLimited,
	"ServerError":          chancery.IsServerError,
	"ConnectionFailed":     is[*chancery.ConnectionFailed],
	"NotYetIssued":         is[*chancery.NotYetIssued],
}

func is[T error](err error) bool {
	var wanted T
	return errors.As(err, &wanted)
}

func requireFailure(wanted string, failure error) error {
	if (wanted == "") != (failure == nil) || wanted != "" && !failures[wanted](failure) {
		return fmt.Errorf("it ended with %v, and not with %q", failure, wanted)
	}
	return nil
}

// readable has the members of an error under their names in the scenario.
func readable(failure error) any {
	var problem *chancery.Error
	if errors.As(failure, &problem) {
		return map[string]any{
			"status": problem.Status, "type": problem.Type, "title": problem.Title, "detail": problem.Detail,
			"trace_id": problem.TraceID, "errors": problem.Errors, "retry_after": problem.RetryAfter.Seconds(),
		}
	}
	var pending *chancery.NotYetIssued
	if errors.As(failure, &pending) {
		return map[string]any{"request": pending.Request, "order": pending.Order}
	}
	return nil
}

var reference = regexp.MustCompile(`\$\{(\w+)\}`)

// filled is the same with what was kept in the place of its names.
func (p *player) filled(value any) any {
	switch value := value.(type) {
	case string:
		return p.filledText(value)
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = p.filled(item)
		}
		return items
	case map[string]any:
		if moment, isTime := value["$at"]; isTime {
			return moment
		}
		members := map[string]any{}
		for name, member := range value {
			members[name] = p.filled(member)
		}
		return members
	}
	return value
}

func (p *player) filledText(text string) any {
	if found := reference.FindStringSubmatch(text); found != nil && found[0] == text {
		return p.told.Values[found[1]]
	}
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		return fmt.Sprint(p.told.Values[found[2:len(found)-1]])
	})
}

func (p *player) compare(expected map[string]any, found any) error {
	for path, value := range expected {
		wanted, actual := p.filled(value), at(found, path)
		if !isAsExpected(wanted, actual) {
			return fmt.Errorf("%q is %+v, and not %v", path, actual, wanted)
		}
	}
	return nil
}
