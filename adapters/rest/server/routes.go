package server

import (
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Public is the action of the routes that need no credential.
const Public core.Action = ""

// RouteUnmatched is what Observe is told when no route matches.
const RouteUnmatched = "unmatched"

// Route is one operation of the API. GET routes answer HEAD as well.
type Route struct {
	Method string
	// Path is the path with its parameters as `:name`.
	Path string
	// Action is what the credential must permit; [Public] needs none.
	Action core.Action
}

// Routes lists every route there is.
func Routes() []Route {
	routes := make([]Route, len(table))
	for i := range table {
		routes[i] = table[i].Route
	}
	return routes
}

type route struct {
	Route
	handle func(*Server, *call) error
	// hasQuery: the handler reads the address's parameters; otherwise there
	// must be none.
	hasQuery bool
}

const (
	streamPath       = rest.StreamsPath + "/:stream"
	streamEventsPath = streamPath + "/events"
)

// table holds the routes; of two that match, the first is taken.
var table = []route{
	{Route{"GET", "/livez", Public}, (*Server).getLive, false},
	{Route{"GET", "/readyz", Public}, (*Server).getReady, false},
	{Route{"GET", "/metrics", Public}, (*Server).getMetrics, false},
	{Route{"GET", rest.Prefix + "/health", Public}, (*Server).getReady, false},
	{Route{"GET", rest.Prefix + "/health/ready", Public}, (*Server).getReady, false},
	{Route{"GET", rest.Prefix + "/health/live", Public}, (*Server).getLive, false},

	{Route{"POST", streamEventsPath, core.ActionIngest}, (*Server).postEvent, false},
	{Route{"POST", streamEventsPath + "/batch", core.ActionIngest}, (*Server).postBatch, false},
	{Route{"POST", rest.EventsPath, core.ActionIngest}, (*Server).postEvent, false},
	{Route{"POST", rest.EventsPath + "/batch", core.ActionIngest}, (*Server).postBatch, false},

	{Route{"GET", streamEventsPath, core.ActionReadEvents}, (*Server).getEvents, true},
	{Route{"GET", streamEventsPath + "/export", core.ActionExportEvents}, (*Server).getExport, true},
	{Route{"GET", streamEventsPath + "/:event_id", core.ActionReadEvents}, (*Server).getEvent, false},
	{Route{"GET", rest.EventsPath, core.ActionReadEvents}, (*Server).getEvents, true},
	{Route{"GET", rest.EventsPath + "/export", core.ActionExportEvents}, (*Server).getExport, true},

	{Route{"GET", rest.StreamsPath, core.ActionReadStreams}, (*Server).getStreams, true},
	{Route{"POST", rest.StreamsPath, core.ActionWriteStreams}, (*Server).postStream, false},
	{Route{"GET", streamPath, core.ActionReadStreams}, (*Server).getStream, false},
	{Route{"PATCH", streamPath, core.ActionWriteStreams}, (*Server).patchStream, false},
	{Route{"DELETE", streamPath, core.ActionWriteStreams}, (*Server).deleteStream, false},
	{Route{"GET", streamPath + "/stats", core.ActionReadStreams}, (*Server).getStats, false},
	{Route{"POST", streamPath + "/validate", core.ActionIngest}, (*Server).postValidate, false},
}
