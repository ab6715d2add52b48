package app

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func quarantineListCommand() *cobra.Command {
	var limit int
	command := asking("quarantine STREAM [TYPE]", "List the events that did not fit and are kept apart, newest first", cobra.RangeArgs(1, 2), func(a asked, args []string) error {
		query := core.QuarantineQuery{Limit: limit}
		if len(args) == 2 {
			query.EventType = args[1]
		}
		page, err := a.client.QuarantinePage(a, args[0], query)
		if err != nil || a.json {
			return orEncode(a, page.Items, err)
		}
		var rows [][]string
		for _, one := range page.Items {
			why := ""
			if len(one.Reasons) > 0 {
				why = one.Reasons[0].Field + ": " + one.Reasons[0].Reason
			}
			rows = append(rows, []string{one.ID.String(), tableTime(one.Event.ReceivedAt), one.Event.Type, strconv.Itoa(int(one.Event.Version)), why})
		}
		return a.table("ID RECEIVED TYPE VERSION REASON", rows)
	})
	command.Flags().IntVar(&limit, "limit", core.DefaultPageSize, "how many at most")
	return command
}

func quarantineIngestCommand() *cobra.Command {
	var payload, eventType string
	var version int32
	command := asking("ingest STREAM ID", "Put an event from the quarantine into its stream, mended", cobra.ExactArgs(2), func(a asked, args []string) error {
		mend := core.Mend{}
		mended, err := jsonOf("--payload", payload)
		if err != nil {
			return err
		}
		if len(mended) > 0 {
			mend.Payload = mended
		}
		if eventType != "" {
			mend.EventType = &eventType
		}
		if version != 0 {
			mend.Version = &version
		}
		receipt, err := a.client.IngestQuarantined(a, args[0], args[1], mend)
		if err == nil && receipt.Status == core.InQuarantine {
			err = errors.New("it does not fit yet, and stays in the quarantine")
		}
		if err != nil || a.json {
			return orEncode(a, receipt, err)
		}
		return a.facts("event", receipt.ID.String(), "offset", fmt.Sprint(receipt.Offset))
	})
	command.Example = `  eventflow schema ingest orders 0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f --payload '{"total":12.50}'`
	command.Flags().StringVar(&payload, "payload", "", "the payload in place of the one that did not fit, or @ and the name of a file, or - for standard input")
	command.Flags().StringVar(&eventType, "type", "", "another type")
	command.Flags().Int32Var(&version, "version", 0, "another version of the type")
	return command
}

func quarantineDiscardCommand() *cobra.Command {
	return asking("discard STREAM ID", "Throw an event in the quarantine away", cobra.ExactArgs(2), func(a asked, args []string) error {
		return a.client.DiscardQuarantined(a, args[0], args[1])
	})
}
