package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func schemaCommand() *cobra.Command {
	return group("schema", "Say what payloads must look like",
		"List, register, try and compare the schemas of a stream's types of events, and decide about the events that did not fit.",
		schemaListCommand(), schemaShowCommand(), schemaRegisterCommand(), schemaCheckCommand(), schemaInferCommand(), schemaDiffCommand(),
		quarantineListCommand(), quarantineIngestCommand(), quarantineDiscardCommand(),
	)
}

func schemaListCommand() *cobra.Command {
	return asking("list STREAM [TYPE]", "List the versions of the schemas of a stream", cobra.RangeArgs(1, 2), func(a asked, args []string) error {
		all := []core.SchemaVersion{}
		query := core.SchemaQuery{Limit: core.MaxPageSize}
		if len(args) == 2 {
			query.EventType = args[1]
		}
		for more := true; more; {
			page, err := a.client.SchemasPage(a, args[0], query)
			if err != nil {
				return err
			}
			all, query.Cursor, more = append(all, page.Items...), page.Pagination.NextCursor, page.Pagination.HasMore
		}
		if a.json {
			return a.encode(all)
		}
		var rows [][]string
		for _, v := range all {
			rows = append(rows, []string{v.EventType, strconv.Itoa(int(v.Version)), string(v.Compatibility), v.CreatedBy, tableTime(v.CreatedAt)})
		}
		return a.table("TYPE VERSION COMPATIBILITY BY CREATED", rows)
	})
}

func schemaShowCommand() *cobra.Command {
	return asking("show STREAM TYPE VERSION", "Print a version of a schema", cobra.ExactArgs(3), func(a asked, args []string) error {
		version, err := a.schema(args[0], args[1], args[2])
		if err != nil || a.json {
			return orEncode(a, version, err)
		}
		_, err = fmt.Fprintln(a.out, pretty(version.Schema))
		return err
	})
}

func (a asked) schema(stream, eventType, version string) (core.SchemaVersion, error) {
	number, err := strconv.ParseInt(version, 10, 32)
	if err != nil {
		return core.SchemaVersion{}, usageError{errors.New("the version must be a whole number")}
	}
	return a.client.Schema(a, stream, eventType, int32(number))
}

func pretty(text json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return string(text)
	}
	return out.String()
}

func schemaRegisterCommand() *cobra.Command {
	var mode string
	command := asking("register STREAM TYPE SCHEMA", "Register the next version of the schema of a type", cobra.ExactArgs(3), func(a asked, args []string) error {
		schema, err := jsonOf("SCHEMA", args[2])
		if err != nil {
			return err
		}
		spec := core.SchemaSpec{EventType: args[1], Schema: schema}
		if mode != "" {
			spec.Compatibility = new(core.Compatibility(mode))
		}
		version, err := a.client.RegisterSchema(a, args[0], spec)
		if err != nil || a.json {
			return orEncode(a, version, err)
		}
		return a.facts("type", version.EventType, "version", strconv.Itoa(int(version.Version)), "compatibility", string(version.Compatibility))
	})
	command.Long = "Register the next version of the schema of a type of events. SCHEMA is a JSON Schema, or @ and the name of a file with one, or - for standard input. " + theServer
	command.Example = "  eventflow schema register orders order.paid @order-paid.json --compatibility full"
	command.Flags().StringVar(&mode, "compatibility", "", "what the version, and those after it, are held to: none, backward, forward, full, or these with _transitive")
	return command
}

func schemaCheckCommand() *cobra.Command {
	last, mode := core.DefaultSchemaEvents, ""
	command := asking("check STREAM TYPE SCHEMA", "Say whether a schema is compatible, and whether stored events fit", cobra.ExactArgs(3), func(a asked, args []string) error {
		schema, err := jsonOf("SCHEMA", args[2])
		if err != nil {
			return err
		}
		trial := core.SchemaTrial{EventType: args[1], Schema: schema, Last: &last}
		if mode != "" {
			trial.Compatibility = new(core.Compatibility(mode))
		}
		verdict, err := a.client.CheckSchema(a, args[0], trial)
		if err != nil {
			return err
		}
		if a.json {
			err = a.encode(verdict)
		} else {
			err = a.verdict(verdict)
		}
		if err == nil && (!verdict.Compatible || verdict.Events.Failed > 0) {
			err = errors.New("the schema does not fit what is there")
		}
		return err
	})
	command.Long = "Say whether a schema is compatible with the versions before it, and whether the newest events fit. Nothing is registered. The exit code is 1 if either is not so. SCHEMA is as for register. " + theServer
	command.Flags().IntVar(&last, "last", last, "how many of the newest events to look at")
	command.Flags().StringVar(&mode, "compatibility", "", "the mode to hold it to, instead of the newest version's")
	return command
}

func (a asked) verdict(v core.SchemaVerdict) error {
	compatible := "yes"
	if !v.Compatible {
		compatible = "no"
	}
	says := []string{
		"compatible", compatible + " (" + string(v.Compatibility) + ")",
		"events", fmt.Sprintf("%d of %d fit", v.Events.Passed, v.Events.Checked),
	}
	for _, why := range v.Incompatible {
		says = append(says, fmt.Sprintf("version %d, %s", why.Version, why.Direction), why.Field+": "+why.Reason)
	}
	for _, failure := range v.Events.Failures {
		for _, reason := range failure.Reasons {
			says = append(says, fmt.Sprintf("offset %d", failure.Offset), reason.Field+": "+reason.Reason)
		}
	}
	return a.facts(says...)
}

func schemaInferCommand() *cobra.Command {
	last := core.DefaultSchemaEvents
	command := asking("infer STREAM TYPE", "Print a schema that the newest events fit", cobra.ExactArgs(2), func(a asked, args []string) error {
		inferred, err := a.client.InferSchema(a, args[0], core.SchemaSamples{EventType: args[1], Last: &last})
		if err != nil || a.json {
			return orEncode(a, inferred, err)
		}
		_, err = fmt.Fprintln(a.out, pretty(inferred.Schema))
		return err
	})
	command.Flags().IntVar(&last, "last", last, "of how many of the newest events")
	return command
}

func schemaDiffCommand() *cobra.Command {
	return asking("diff STREAM TYPE FROM TO", "Show what is different in a later version", cobra.ExactArgs(4), func(a asked, args []string) error {
		before, err := a.schema(args[0], args[1], args[2])
		if err != nil {
			return err
		}
		after, err := a.schema(args[0], args[1], args[3])
		if err != nil || a.json {
			return orEncode(a, []core.SchemaVersion{before, after}, err)
		}
		for _, line := range differences(strings.Split(pretty(before.Schema), "\n"), strings.Split(pretty(after.Schema), "\n")) {
			fmt.Fprintln(a.out, line)
		}
		return nil
	})
}

// differences lists the lines of two texts: those that only the first has begin with a minus,
// those that only the second has with a plus, and those that both have with a space.
func differences(before, after []string) (lines []string) {
	// common[i][j] is how many lines before[i:] and after[j:] have in common.
	common := make([][]int, len(before)+1)
	common[len(before)] = make([]int, len(after)+1)
	for i := len(before) - 1; i >= 0; i-- {
		common[i] = make([]int, len(after)+1)
		for j := len(after) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if before[i] == after[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			lines, i, j = append(lines, "  "+before[i]), i+1, j+1
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			lines, i = append(lines, "- "+before[i]), i+1
		default:
			lines, j = append(lines, "+ "+after[j]), j+1
		}
	}
	return lines
}
