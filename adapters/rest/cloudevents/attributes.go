package cloudevents

import (
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The attributes of CloudEvents 1.0, and the members that hold the data.
const (
	attributeVersion     = "specversion"
	attributeID          = "id"
	attributeSource      = "source"
	attributeType        = "type"
	attributeSubject     = "subject"
	attributeTime        = "time"
	attributeContentType = "datacontenttype"
	attributeSchema      = "dataschema"
	memberData           = "data"
	memberBase64         = "data_base64"
)

// EventFlow's own extension attributes.
const (
	// attributeStream names the event's stream if the path names none.
	attributeStream = "eventflowstream"
	// attributeOffset, attributeReceivedAt and attributeAttempt are set by the
	// server in CloudEvents that go out.
	attributeOffset     = "eventflowoffset"
	attributeReceivedAt = "eventflowreceivedat"
	attributeAttempt    = "eventflowattempt"
)

// fieldExtensions is the field that an error names if it is about all
// extensions together.
const fieldExtensions = "extensions"

// isAttributeName reports whether a CloudEvent may have an attribute of this
// name: lower-case letters and digits of ASCII.
func isAttributeName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// checkAttributeName refuses the names that no producer may use.
func checkAttributeName(name string) error {
	const longestShown = 64
	switch {
	case name == "":
		return core.Invalid("body", "has an attribute without a name")
	case !isAttributeName(name):
		return core.Invalid(strings.ToValidUTF8(name[:min(len(name), longestShown)], "\uFFFD"),
			"is not a valid attribute name: use lower-case letters and digits only")
	case name == memberData:
		return core.Invalid(name, "is not an attribute; in binary mode, the data is the body")
	case name == contextDataEncoding:
		return core.Invalid(name, "is set by the server")
	}
	return nil
}
