package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestWhatIsNoCloudEventIsRefusedByItsAttribute(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	for name, test := range map[string]struct{ body, field string }{
		"no JSON":              {`{"id"`, "body"},
		"empty":                {``, "body"},
		"no object":            {`[]`, "body"},
		"something after it":   {cloudEvent("") + "x", "body"},
		"nothing":              {`{}`, "specversion"},
		"no id":                {`{"specversion":"1.0","source":"/s","type":"t"}`, "id"},
		"null id":              {`{"specversion":"1.0","id":null,"source":"/s","type":"t"}`, "id"},
		"empty source":         {`{"specversion":"1.0","id":"1","source":"","type":"t"}`, "source"},
		"no type":              {`{"specversion":"1.0","id":"1","source":"/s"}`, "type"},
		"another version":      {`{"specversion":"0.3","id":"1","source":"/s","type":"t"}`, "specversion"},
		"a number for an id":   {`{"specversion":"1.0","id":1,"source":"/s","type":"t"}`, "id"},
		"a long type":          {`{"specversion":"1.0","id":"1","source":"/s","type":"` + strings.Repeat("t", 256) + `"}`, "type"},
		"a control character":  {`{"specversion":"1.0","id":"a\u0001","source":"/s","type":"t"}`, "id"},
		"a long source":        {`{"specversion":"1.0","id":"1","source":"` + strings.Repeat("s", 256) + `","type":"t"}`, "source"},
		"twice":                {cloudEvent(`,"\u0069d":"2"`), "id"},
		"empty subject":        {cloudEvent(`,"subject":""`), "subject"},
		"a long subject":       {cloudEvent(`,"subject":"` + strings.Repeat("s", 256) + `"`), "subject"},
		"no time":              {cloudEvent(`,"time":"yesterday"`), "time"},
		"a time in quotes":     {cloudEvent(`,"time":"2026-01-02T03:04:05Z\""`), "time"},
		"the zero time":        {cloudEvent(`,"time":"0001-01-01T00:00:00Z"`), "time"},
		"no media type":        {cloudEvent(`,"datacontenttype":"a b"`), "datacontenttype"},
		"empty media type":     {cloudEvent(`,"datacontenttype":""`), "datacontenttype"},
		"empty schema":         {cloudEvent(`,"dataschema":""`), "dataschema"},
		"upper case":           {cloudEvent(`,"myExt":"1"`), "myExt"},
		"empty name":           {cloudEvent(`,"":"1"`), "body"},
		"an object":            {cloudEvent(`,"ext":{}`), "ext"},
		"a fraction":           {cloudEvent(`,"ext":1.5`), "ext"},
		"a large number":       {cloudEvent(`,"ext":2147483648`), "ext"},
		"NUL":                  {cloudEvent(`,"ext":"\u0000"`), "ext"},
		"the server's":         {cloudEvent(`,"datacontentencoding":"base64"`), "datacontentencoding"},
		"a stream":             {cloudEvent(`,"eventflowstream":"orders"`), "eventflowstream"},
		"too many":             {cloudEvent(`,"ext":"` + strings.Repeat("x", core.MaxContextBytes) + `"`), "extensions"},
		"both":                 {cloudEvent(`,"data":1,"data_base64":"AA=="`), "data_base64"},
		"no base64":            {cloudEvent(`,"data_base64":"A"`), "data_base64"},
		"base64 on two lines":  {cloudEvent(`,"data_base64":"AAAA\nAAAA"`), "data_base64"},
		"base64 of no string":  {cloudEvent(`,"data_base64":1`), "data_base64"},
		"an object for XML":    {cloudEvent(`,"datacontenttype":"text/xml","data":{}`), "data"},
		"a key twice in it":    {cloudEvent(`,"data":{"a":[{"b":1,"b":2}]}`), "data.a[0].b"},
		"half of a pair in it": {cloudEvent(`,"data":"\ud800"`), "data"},
		"no UTF-8 in it":       {cloudEvent(`,"data":"` + "\xff" + `"`), "data"},
		"too deep":             {cloudEvent(`,"data":` + deep), "data" + strings.Repeat("[0]", 64)},
	} {
		got := f.do("POST", ordersPath, strings.NewReader(test.body), structured)
		problem := got.problem(t)
		require.Equal(t, http.StatusBadRequest, got.StatusCode, name)
		require.Equal(t, core.CodeValidation, problem.Code, name)
		require.Equal(t, test.field, problem.Details[0].Field, "%s: %s", name, got.body)
	}
	require.Zero(t, f.events("orders"))
	f.stored(cloudEvent(`,"data":`+deep[1:len(deep)-1]), structured)
}

func TestBadHeadersOfACloudEventAreRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for name, test := range map[string]struct {
		headers []string
		body    string
		field   string
	}{
		"only an id":            {[]string{"ce-id: 1"}, "1", "specversion"},
		"another version":       {binary("Ce-Specversion: 2.0"), "1", "specversion"},
		"no UTF-8":              {binary("ce-ext: %ff"), "1", "ext"},
		"control":               {binary("ce-ext: a%00"), "1", "ext"},
		"quotes":                {binary(`ce-ext: "a`), "1", "ext"},
		"a name":                {binary("ce-my_ext: a"), "1", "my_ext"},
		"data":                  {binary("ce-data: a"), "1", "data"},
		"the media type":        {binary("ce-datacontenttype: text/plain"), "1", "datacontenttype"},
		"no media type":         {binary("Content-Type: a b"), "1", "datacontenttype"},
		"a stream":              {binary("ce-eventflowstream: orders"), "1", "eventflowstream"},
		"no JSON":               {binary("Content-Type: application/json"), "{", "data"},
		"a key twice":           {binary("Content-Type: application/json"), `{"a":{"b":1,"b":1}}`, "data.a.b"},
		"an element of no JSON": {binary("Content-Type: application/json"), `[1,x]`, "data[1]"},
		"text of no UTF-8":      {binary("Content-Type: text/plain"), "\xff", "data"},
		"text with NUL":         {binary("Content-Type: text/plain; charset=us-ascii"), "\x00", "data"},
	} {
		got := f.do("POST", ordersPath, strings.NewReader(test.body), test.headers...)
		require.Equal(t, core.CodeValidation, got.problem(t).Code, name)
		require.Equal(t, test.field, got.problem(t).Details[0].Field, "%s: %s", name, got.body)
	}
	const request = "POST " + ordersPath + " HTTP/1.1\r\nHost: h\r\nCe-Specversion: 1.0\r\nCe-Id: 1\r\nCe-Source: /\r\nCe-Type: t\r\n"
	got, _ := f.raw(request + "ce-ID: 2\r\nX-API-Key: " + f.key + "\r\nContent-Length: 0\r\n\r\n")
	require.Equal(t, []core.Detail{{Field: "id", Reason: "is given twice"}}, got.problem(t).Details)
	require.Zero(t, f.events("orders"))
}

func TestMediaTypesOfCloudEventsHaveTheirPaths(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	one, many := cloudEvent(""), "["+cloudEvent("")+"]"
	for _, test := range []struct {
		path, body string
		headers    []string
		status     int
	}{
		{ordersPath, many, []string{batched}, 415},
		{ordersPath, one, []string{"Content-Type: application/cloudevents+xml"}, 415},
		{ordersPath, one, []string{structured + "; charset=utf-16"}, 415},
		{ordersPath, "1", binary("Content-Type: application/json; charset=utf-16"), 415},
		{ordersPath, one, binary("Content-Type: application/cloudevents+xml"), 415},
		{ordersPath, "1", binary("Content-Encoding: br"), 415},
		{ordersPath + "/batch", one, []string{structured}, 415},
		{ordersPath + "/batch", "[1]", binary("Content-Type: application/json"), 400},
		{ordersPath + "/batch", many, []string{batched, "Idempotency-Key: a"}, 400},
		{ordersPath, strings.Repeat("x", core.MaxEventBytes+1), binary("Content-Type: text/plain"), 413},
		{ordersPath, strings.Repeat("\x00", core.MaxEventBytes), binary("Content-Type: image/png"), 413},
		{rest.StreamsPath, one, []string{structured}, 415},
	} {
		got := f.do("POST", test.path, strings.NewReader(test.body), test.headers...)
		require.Equal(t, test.status, got.StatusCode, "%s %s %s", test.path, test.headers, got.body)
	}
	require.Zero(t, f.events("orders"))
	got := f.do("POST", "/api/v1/streams/orders/validate", strings.NewReader(one), structured)
	require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
	// In structured mode the headers may repeat the attributes, and mean nothing.
	f.stored(one, append(binary("Ce-Id: other", "Ce-Data: 1"), structured)...)
}
