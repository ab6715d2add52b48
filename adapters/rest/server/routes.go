package server

import (
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Public is the action of routes that need no credential of an organization.
// /metrics has a token of its own.
const Public core.Action = ""

// Anybody is the action of routes that need a credential but no permission.
const Anybody core.Action = "*"

// RouteUnmatched is what Observe is told when no route matches.
const RouteUnmatched = "unmatched"

// Route is one operation of the API. GET routes answer HEAD as well.
type Route struct {
	Method string
	// Path is the path with its parameters as `:name`.
	Path string
	// Action is what the credential must permit. [Public] needs no credential.
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
	// hasQuery says that the handler reads the parameters of the address. Any other
	// route refuses parameters.
	hasQuery bool
}

// paced reports whether calls are put off while others produce, when their organization
// has asked for much. Producers and consumers are not, and what lasts or may read far
// takes its turns in core.
func (r *route) paced() bool {
	switch r.Action {
	case core.ActionIngest:
		return r.Path == validatePath
	case Public, core.ActionConsume, core.ActionExportEvents, core.ActionReadAudit:
		return false
	}
	switch r.Path {
	case rest.EventsPath, streamEventsPath, livePath, checkPath:
		return false
	}
	return true
}

const (
	streamPath       = rest.StreamsPath + "/:stream"
	streamEventsPath = streamPath + "/events"
	groupsPath       = streamPath + "/consumer-groups"
	groupPath        = groupsPath + "/:group"
	processorsPath   = streamPath + "/processors"
	processorPath    = processorsPath + "/:processor"
	quarantinePath   = streamPath + "/quarantine"
	livePath         = streamEventsPath + "/live"
	checkPath        = streamPath + "/schemas/check"
	validatePath     = streamPath + "/validate"
	letterPath       = rest.DeadLettersPath + "/:id"
)

// table holds the routes. If two match, the first one is taken.
var table = []route{
	{Route{"GET", rootPath, Public}, (*Server).getRoot, false},
	{Route{"GET", docsPath, Public}, (*Server).getDocs, false},
	{Route{"GET", openAPIPath, Public}, (*Server).getOpenAPI, false},
	{Route{"GET", "/livez", Public}, (*Server).getAlive, false},
	{Route{"GET", "/readyz", Public}, (*Server).getReady, false},
	{Route{"GET", "/metrics", Public}, (*Server).getMetrics, false},
	{Route{"GET", rest.Prefix + "/health", Public}, (*Server).getReady, false},
	{Route{"GET", rest.Prefix + "/health/ready", Public}, (*Server).getReady, false},
	{Route{"GET", rest.Prefix + "/health/live", Public}, (*Server).getAlive, false},

	{Route{"POST", streamEventsPath, core.ActionIngest}, (*Server).postEvent, false},
	{Route{"POST", streamEventsPath + "/batch", core.ActionIngest}, (*Server).postBatch, false},
	{Route{"POST", rest.EventsPath, core.ActionIngest}, (*Server).postEvent, false},
	{Route{"POST", rest.EventsPath + "/batch", core.ActionIngest}, (*Server).postBatch, false},

	{Route{"GET", streamEventsPath, core.ActionReadEvents}, (*Server).getEvents, true},
	{Route{"GET", streamEventsPath + "/export", core.ActionExportEvents}, (*Server).getExport, true},
	{Route{"GET", livePath, core.ActionReadEvents}, (*Server).getLive, true},
	{Route{"GET", streamEventsPath + "/:event_id", core.ActionReadEvents}, (*Server).getEvent, false},
	{Route{"GET", rest.EventsPath, core.ActionReadEvents}, (*Server).getEvents, true},
	{Route{"GET", rest.EventsPath + "/export", core.ActionExportEvents}, (*Server).getExport, true},

	{Route{"GET", rest.EventsPath + "/:event_id/trace", core.ActionReadEvents}, (*Server).getTrace, false},

	{Route{"GET", rest.AllGroupsPath, core.ActionReadGroups}, (*Server).getAllGroups, true},
	{Route{"GET", groupsPath, core.ActionReadGroups}, (*Server).getGroups, false},
	{Route{"POST", groupsPath, core.ActionWriteGroups}, (*Server).postGroup, false},
	{Route{"GET", groupPath, core.ActionReadGroups}, (*Server).getGroup, false},
	{Route{"PATCH", groupPath, core.ActionWriteGroups}, (*Server).patchGroup, false},
	{Route{"DELETE", groupPath, core.ActionWriteGroups}, (*Server).deleteGroup, false},
	{Route{"GET", groupPath + "/lag", core.ActionReadGroups}, (*Server).getLag, false},
	{Route{"POST", groupPath + "/reset", core.ActionWriteGroups}, (*Server).postReset, false},
	{Route{"GET", groupPath + "/events", core.ActionConsume}, (*Server).getGroupEvents, true},
	{Route{"POST", groupPath + "/offsets", core.ActionConsume}, (*Server).postOffsets, false},
	{Route{"POST", groupPath + "/ack", core.ActionConsume}, (*Server).postAck, false},
	{Route{"POST", groupPath + "/nack", core.ActionConsume}, (*Server).postNack, false},
	{Route{"POST", groupPath + "/extend", core.ActionConsume}, (*Server).postExtend, false},

	{Route{"GET", rest.AllProcessorsPath, core.ActionReadProcessors}, (*Server).getAllProcessors, true},
	{Route{"GET", processorsPath, core.ActionReadProcessors}, (*Server).getProcessors, false},
	{Route{"POST", processorsPath, core.ActionWriteProcessors}, (*Server).postProcessor, false},
	{Route{"POST", processorsPath + "/test", core.ActionReadProcessors}, (*Server).postTrial, false},
	{Route{"GET", processorPath, core.ActionReadProcessors}, (*Server).getProcessor, false},
	{Route{"PATCH", processorPath, core.ActionWriteProcessors}, (*Server).patchProcessor, false},
	{Route{"DELETE", processorPath, core.ActionWriteProcessors}, (*Server).deleteProcessor, false},
	{Route{"POST", processorPath + "/pause", core.ActionWriteProcessors}, (*Server).postPause, false},
	{Route{"POST", processorPath + "/resume", core.ActionWriteProcessors}, (*Server).postResume, false},
	{Route{"POST", processorPath + "/test", core.ActionReadProcessors}, (*Server).postProcessorTrial, false},
	{Route{"POST", processorPath + "/rotate-secret", core.ActionWriteProcessors}, (*Server).postRotateSecret, false},
	{Route{"POST", processorPath + "/send-test", core.ActionWriteProcessors}, (*Server).postSendTest, false},
	{Route{"POST", processorPath + "/recover", core.ActionWriteProcessors}, (*Server).postRecover, false},
	{Route{"GET", processorPath + "/deliveries", core.ActionReadDeliveries}, (*Server).getDeliveries, true},
	{Route{"POST", rest.DeliveriesPath + "/:id/resend", core.ActionWriteProcessors}, (*Server).postResend, false},

	{Route{"GET", rest.DeadLettersPath, core.ActionReadLetters}, (*Server).getDeadLetters, true},
	{Route{"GET", rest.DeadLettersPath + "/counts", core.ActionReadLetters}, (*Server).getDeadLetterCounts, true},
	{Route{"POST", rest.DeadLettersPath + "/replay", core.ActionWriteLetters}, (*Server).postReplays, false},
	{Route{"GET", rest.ReplaysPath, core.ActionReadLetters}, (*Server).getReplays, true},
	{Route{"GET", rest.ReplaysPath + "/:id", core.ActionReadLetters}, (*Server).getReplay, false},
	{Route{"POST", rest.ReplaysPath + "/:id/stop", core.ActionWriteLetters}, (*Server).postReplayStop, false},
	{Route{"GET", letterPath, core.ActionReadLetters}, (*Server).getDeadLetter, false},
	{Route{"POST", letterPath + "/replay", core.ActionWriteLetters}, (*Server).postLetterReplay, false},
	{Route{"POST", letterPath + "/discard", core.ActionWriteLetters}, (*Server).postDiscard, false},

	{Route{"POST", rest.AuthPath + "/login", Public}, (*Server).postLogin, false},
	{Route{"POST", rest.AuthPath + "/setup", Public}, (*Server).postSetup, false},
	{Route{"POST", rest.AuthPath + "/link", Public}, (*Server).postLink, false},
	{Route{"POST", rest.AuthPath + "/accept", Public}, (*Server).postAccept, false},
	{Route{"POST", rest.AuthPath + "/refresh", Public}, (*Server).postRefresh, false},
	{Route{"POST", rest.AuthPath + "/switch", Public}, (*Server).postSwitch, false},
	{Route{"POST", rest.AuthPath + "/logout", Public}, (*Server).postLogout, false},
	{Route{"POST", rest.AuthPath + "/password/forgot", Public}, (*Server).postForgot, false},
	{Route{"POST", rest.AuthPath + "/password/reset", Public}, (*Server).postPasswordReset, false},
	{Route{"POST", rest.AuthPath + "/password", Anybody}, (*Server).postPassword, false},
	{Route{"GET", rest.AuthPath + "/me", Anybody}, (*Server).getMe, false},
	{Route{"GET", rest.SessionsPath, Anybody}, (*Server).getSessions, false},
	{Route{"POST", rest.SessionsPath + "/end", Anybody}, (*Server).postSessionEnd, false},
	{Route{"GET", rest.UsersPath, core.ActionReadUsers}, (*Server).getUsers, true},
	{Route{"POST", rest.UsersPath, core.ActionWriteUsers}, (*Server).postUser, false},
	{Route{"GET", rest.UsersPath + "/:id", core.ActionReadUsers}, (*Server).getUser, false},
	{Route{"PATCH", rest.UsersPath + "/:id", core.ActionWriteUsers}, (*Server).patchUser, true},
	{Route{"DELETE", rest.UsersPath + "/:id", core.ActionWriteUsers}, (*Server).deleteUser, true},
	{Route{"GET", rest.UsersPath + "/:id/keys", core.ActionReadUsers}, (*Server).getUserKeys, true},
	{Route{"POST", rest.UsersPath + "/:id/invitation", core.ActionWriteUsers}, (*Server).postInvitation, false},
	{Route{"POST", rest.UsersPath + "/:id/sessions/end", core.ActionWriteUsers}, (*Server).postUserSessionsEnd, false},
	{Route{"POST", rest.OrganizationsPath, core.ActionCreateOrganizations}, (*Server).postOrganization, false},
	{Route{"GET", rest.OrganizationPath, core.ActionReadOrganization}, (*Server).getOrganization, false},
	{Route{"GET", rest.UsagePath, core.ActionReadUsers}, (*Server).getUsage, false},
	{Route{"PATCH", rest.OrganizationPath, core.ActionWriteOrganization}, (*Server).patchOrganization, false},
	{Route{"GET", rest.SummaryPath, core.ActionReadGroups}, (*Server).getSummary, true},
	{Route{"GET", rest.SystemPath, Anybody}, (*Server).getSystem, false},
	{Route{"GET", rest.RolesPath, Anybody}, (*Server).getRoles, false},
	{Route{"GET", rest.AuditPath, core.ActionReadAudit}, (*Server).getAudit, true},

	{Route{"GET", rest.APIKeysPath, core.ActionReadKeys}, of(core.KindAPIKey, (*Server).getKeys), true},
	{Route{"POST", rest.APIKeysPath, core.ActionWriteKeys}, of(core.KindAPIKey, (*Server).postKey), false},
	{Route{"GET", rest.APIKeysPath + "/:id", core.ActionReadKeys}, of(core.KindAPIKey, (*Server).getKey), false},
	{Route{"POST", rest.APIKeysPath + "/:id/rotate", core.ActionWriteKeys}, of(core.KindAPIKey, (*Server).postRotate), false},
	{Route{"GET", rest.APIKeysPath + "/:id/children", core.ActionReadKeys}, of(core.KindAPIKey, (*Server).getKeyChildren), false},
	{Route{"DELETE", rest.APIKeysPath + "/:id", core.ActionWriteKeys}, of(core.KindAPIKey, (*Server).deleteKey), true},
	{Route{"GET", rest.ServiceTokensPath, core.ActionReadKeys}, of(core.KindServiceToken, (*Server).getKeys), true},
	{Route{"POST", rest.ServiceTokensPath, core.ActionWriteKeys}, of(core.KindServiceToken, (*Server).postKey), false},
	{Route{"GET", rest.ServiceTokensPath + "/:id", core.ActionReadKeys}, of(core.KindServiceToken, (*Server).getKey), false},
	{Route{"POST", rest.ServiceTokensPath + "/:id/rotate", core.ActionWriteKeys}, of(core.KindServiceToken, (*Server).postRotate), false},
	{Route{"GET", rest.ServiceTokensPath + "/:id/children", core.ActionReadKeys}, of(core.KindServiceToken, (*Server).getKeyChildren), false},
	{Route{"DELETE", rest.ServiceTokensPath + "/:id", core.ActionWriteKeys}, of(core.KindServiceToken, (*Server).deleteKey), true},

	{Route{"POST", inboundPath, Public}, (*Server).postInbound, true},
	{Route{"GET", rest.SourcesPath, core.ActionReadSources}, (*Server).getSources, true},
	{Route{"POST", rest.SourcesPath, core.ActionWriteSources}, (*Server).postSource, false},
	{Route{"GET", rest.SourcesPath + "/:id", core.ActionReadSources}, (*Server).getSource, false},
	{Route{"PATCH", rest.SourcesPath + "/:id", core.ActionWriteSources}, (*Server).patchSource, false},
	{Route{"DELETE", rest.SourcesPath + "/:id", core.ActionWriteSources}, (*Server).deleteSource, false},
	{Route{"POST", rest.SourcesPath + "/:id/rotate", core.ActionWriteSources}, (*Server).postSourceRotate, false},
	{Route{"GET", rest.SourcesPath + "/:id/refusals", core.ActionReadSources}, (*Server).getSourceRefusals, false},

	{Route{"GET", rest.StreamsPath, core.ActionReadStreams}, (*Server).getStreams, true},
	{Route{"POST", rest.StreamsPath, core.ActionWriteStreams}, (*Server).postStream, false},
	{Route{"GET", streamPath, core.ActionReadStreams}, (*Server).getStream, false},
	{Route{"PATCH", streamPath, core.ActionWriteStreams}, (*Server).patchStream, false},
	{Route{"DELETE", streamPath, core.ActionWriteStreams}, (*Server).deleteStream, false},
	{Route{"POST", streamPath + "/move", core.ActionWriteOrganization}, (*Server).postMove, false},
	{Route{"GET", streamPath + "/stats", core.ActionReadStreams}, (*Server).getStats, false},
	{Route{"GET", streamPath + "/retention", core.ActionReadStreams}, (*Server).getRetention, false},
	{Route{"GET", streamPath + "/histogram", core.ActionReadEvents}, (*Server).getHistogram, true},
	{Route{"GET", streamPath + "/schemas", core.ActionReadStreams}, (*Server).getSchemas, true},
	{Route{"POST", streamPath + "/schemas", core.ActionWriteSchemas}, (*Server).postSchema, false},
	{Route{"POST", checkPath, core.ActionWriteSchemas}, (*Server).postSchemaCheck, false},
	{Route{"POST", streamPath + "/schemas/infer", core.ActionWriteSchemas}, (*Server).postSchemaInfer, false},
	{Route{"GET", streamPath + "/schemas/:type/:version", core.ActionReadStreams}, (*Server).getSchema, false},
	{Route{"GET", quarantinePath, core.ActionReadEvents}, (*Server).getQuarantine, true},
	{Route{"GET", quarantinePath + "/:id", core.ActionReadEvents}, (*Server).getQuarantined, false},
	{Route{"POST", quarantinePath + "/:id/ingest", core.ActionWriteSchemas}, (*Server).postQuarantineIngest, false},
	{Route{"POST", quarantinePath + "/:id/discard", core.ActionWriteSchemas}, (*Server).postQuarantineDiscard, false},
	{Route{"POST", validatePath, core.ActionIngest}, (*Server).postValidate, false},
}
