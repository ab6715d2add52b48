package cloudevents

import (
	"errors"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// DecodeBatch decodes a batch of CloudEvents. If one of them is refused, its
// draft has Err set; the others are not affected.
func DecodeBatch(body []byte, field eventjson.StreamField) ([]eventjson.Draft, error) {
	texts, err := eventjson.SplitArray(body)
	if err != nil {
		return nil, err
	}
	drafts := make([]eventjson.Draft, len(texts))
	for i, text := range texts {
		var err error
		if size := len(text); size > core.MaxEventBytes {
			err = &core.Error{Code: core.CodePayloadTooLarge, Details: []core.Detail{{
				Field: "body", Reason: "must have at most 1 MiB",
			}}}
		} else {
			drafts[i], err = Decode(text, field)
		}
		if err != nil {
			drafts[i] = eventjson.Draft{Err: placed(err, i)}
		}
	}
	return drafts, nil
}

// placed puts the place of an event in its batch before the fields that an
// error names.
func placed(err error, index int) error {
	known, ok := errors.AsType[*core.Error](err)
	if !ok || len(known.Details) == 0 {
		return err
	}
	root := "events[" + strconv.Itoa(index) + "]"
	moved := *known
	moved.Details = nil
	var fields []string
	for _, detail := range known.Details {
		if detail.Field == "body" {
			detail.Field = root
		} else {
			detail.Field = root + "." + detail.Field
		}
		fields = append(fields, detail.Field)
		moved.Details = append(moved.Details, detail)
	}
	moved.Message = strings.Join(fields, ", ") + ": " + known.Details[0].Reason
	return &moved
}
