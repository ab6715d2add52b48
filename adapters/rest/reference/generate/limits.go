package main

import (
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/process"
)

// needed are the members that requests must have.
var needed = map[string][]string{
	"NewEvent":             {"event_type", "payload"},
	"GroupSpec":            {"name"},
	"ResetRequest":         {"to"},
	"AckRequest":           {"lease"},
	"NackRequest":          {"lease", "events"},
	"ExtendRequest":        {"lease"},
	"ProcessorSpec":        {"name", "destination"},
	"RecoverRequest":       {"since"},
	"LoginRequest":         {"email", "password"},
	"SetupRequest":         {"token", "email", "password"},
	"LinkRequest":          {"kind", "token"},
	"AcceptRequest":        {"token", "password"},
	"SwitchRequest":        {"organization"},
	"ForgotRequest":        {"email"},
	"ResetPasswordRequest": {"token", "password"},
	"PasswordChange":       {"password", "new_password"},
	"SessionEnd":           {"password"},
	"InviteRequest":        {"email", "role"},
	"OrganizationRequest":  {"name"},
	"OrganizationChange":   {"name"},
	"KeyRequest":           {"label"},
	"Rate":                 {"per_minute"},
	"SourceSpec":           {"name", "stream", "preset"},
	"SourceSignature":      {"header", "algorithm", "encoding"},
	"StreamSpec":           {"name"},
	"StreamMove":           {"shard"},
	"SchemaSpec":           {"event_type", "schema"},
}

// sometimes are members of answers that are left out sometimes, because the answer is written
// by hand.
var sometimes = map[string][]string{
	"BatchItem": {"offset"}, // of an event that was refused
}

// limits bound members of requests: texts in their length, numbers in their value. Each is
// named by its type and its member.
var limits = map[string][2]float64{
	"StreamSpec.name StreamChange.name GroupSpec.name GroupChange.name ProcessorSpec.name ProcessorChange.name SourceSpec.name SourceChange.name": {
		1, core.MaxStreamNameLength,
	},
	"StreamSpec.description StreamChange.description":                                                         {0, core.MaxDescriptionLength},
	"StreamSpec.retention_days StreamChange.retention_days":                                                   {1, core.MaxRetentionDays},
	"StreamSpec.retention_bytes StreamChange.retention_bytes":                                                 {0, core.MaxRetentionBytes},
	"StreamSpec.retention_events StreamChange.retention_events":                                               {0, core.MaxRetentionEvents},
	"GroupSpec.max_attempts GroupChange.max_attempts ProcessorSpec.max_attempts ProcessorChange.max_attempts": {1, core.MaxMaxAttempts},
	"GroupSpec.visibility GroupChange.visibility ProcessorSpec.visibility ProcessorChange.visibility": {
		seconds(core.MinVisibility), seconds(core.MaxVisibility),
	},
	"BackoffSpec.initial BackoffSpec.max":                                   {0, seconds(core.MaxBackoff)},
	"ProcessorSpec.filter ProcessorChange.filter TrialSpec.filter":          {0, core.MaxFilterLength},
	"ProcessorSpec.transform ProcessorChange.transform TrialSpec.transform": {0, core.MaxTransformLength},
	"TrialSpec.last TrialRequest.last":                                      {0, core.MaxTrialEvents},
	"RotateSecretRequest.grace":                                             {0, seconds(process.MaxGrace)},
	"RotateRequest.grace":                                                   {0, identity.MaxKeyGrace.Seconds()},
	"ReplayRequest.rate":                                                    {0, core.MaxReplayRate},
	"SourceSpec.secret SourceChange.secret":                                 {0, core.MaxSourceSecret},
	"NewEvent.event_type SchemaSpec.event_type":                             {1, core.MaxTypeLength},
	"SchemaTrial.event_type SchemaSamples.event_type":                       {0, core.MaxTypeLength},
	"NewEvent.event_version Mend.event_version":                             {1, 1<<31 - 1},
	"NewEvent.source":                                                       {1, core.MaxSourceLength},
	"NewEvent.subject":                                                      {1, core.MaxSubjectLength},
	"NewEvent.idempotency_key":                                              {1, core.MaxIdempotencyKeyLength},
	"SchemaTrial.last SchemaSamples.last":                                   {0, core.MaxSchemaEvents},
	"InviteRequest.email":                                                   {3, core.MaxEmailLength},
	"InviteRequest.name UserChange.name":                                    {0, core.MaxUserNameLength},
	"OrganizationRequest.name OrganizationChange.name":                      {1, core.MaxUserNameLength},
	"KeyRequest.label":                                                      {1, core.MaxSourceLength},
}

func seconds(s core.Seconds) float64 { return s.Duration().Seconds() }

// bound puts the limits of a member into its schema.
func bound(schema *reference.Schema, component, member string) {
	for names, limit := range limits {
		for name := range strings.FieldsSeq(names) {
			if name != component+"."+member {
				continue
			}
			if schema.Type == "string" {
				least, most := int(limit[0]), int(limit[1])
				schema.MaxLength = &most
				if least > 0 {
					schema.MinLength = &least
				}
				continue
			}
			schema.Minimum, schema.Maximum = &limit[0], &limit[1]
		}
	}
}
