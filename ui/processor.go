package ui

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// processorPath is the pattern of the page of a processor.
const processorPath = "/processors/{stream}/{processor}"

// groupPath is the address of a group's page: for the group of a processor, the
// processor's.
func groupPath(group core.GroupOverview) string {
	if group.Processor {
		return address(processorPath, group.StreamName, group.Name)
	}
	return address("/consumers/{stream}/{group}", group.StreamName, group.Name)
}

// processorBadge is whether a processor works.
func processorBadge(p core.Processor) app.UI {
	switch {
	case p.State == core.ProcessorDisabled:
		return badge("bad", "disabled")
	case p.State == core.ProcessorPaused:
		return badge("wait", "paused")
	case p.FailingSince != nil:
		return badge("warn", "failing")
	}
	return badge("ok", "running")
}

// settingsOf are the settings of a destination by their names.
func settingsOf(d core.Destination) map[string]any {
	settings := map[string]any{}
	_ = json.Unmarshal(d.Settings, &settings) // the server has made it
	return settings
}

// destinationText says in short where a processor sends its events.
func destinationText(d core.Destination) string {
	settings := settingsOf(d)
	for _, name := range []string{"url", "topic", "bucket", "stream"} {
		if where := settingText(settings[name]); where != "" {
			_, after, _ := strings.Cut(where, "://")
			if after == "" {
				after = where
			}
			return d.Type + ": " + after
		}
	}
	return d.Type
}

// successText is the share of deliveries that succeeded.
func successText(day core.DeliveryCount) string {
	sent := day.Delivered + day.Failed
	if sent == 0 {
		return "–"
	}
	percent := float64(day.Delivered) * 100 / float64(sent)
	if day.Failed > 0 { // never 100 with a failure among them
		percent = min(percent, 99.9)
	}
	return strconv.FormatFloat(percent, 'f', decimals(percent), 64) + " %"
}

func decimals(percent float64) int {
	if percent == float64(int(percent)) {
		return 0
	}
	return 1
}

// meanText is the time that a delivery took on average.
func meanText(day core.DeliveryCount) string {
	sent := day.Delivered + day.Failed
	if sent == 0 {
		return "–"
	}
	return latencyText(day.Latency / core.Seconds(sent))
}

// latencyText writes a short duration.
func latencyText(latency core.Seconds) string {
	if d := latency.Duration(); d > 0 && d < time.Millisecond {
		return "< 1 ms"
	}
	return span(latency.Duration())
}
