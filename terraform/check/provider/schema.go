package main

import (
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// schemas is what schema.json.gz holds.
type schemas struct {
	Provider  block            `json:"provider"`
	Resources map[string]block `json:"resources"`
	Data      map[string]block `json:"data"`
}

type block struct {
	Attributes map[string]attribute `json:"attributes"`
	Blocks     map[string]nested    `json:"block_types"`
}

// attribute has a type as a name or as a list: ["set", "string"], ["object", {…}].
type attribute struct {
	Type     any  `json:"type"`
	Required bool `json:"required"`
	Computed bool `json:"computed"`
}

type nested struct {
	Nesting string `json:"nesting"`
	Block   block  `json:"block"`
	Min     int64  `json:"min"`
	Max     int64  `json:"max"`
}

// secrets are attributes that the AWS provider marks as sensitive, which the package
// that the schema is made of does not tell: an output of one must be marked, too.
var secrets = map[string]bool{"password": true, "auth_token": true, "secret_string": true, "random_password": true}

func (s schemas) response() *tfprotov6.GetProviderSchemaResponse {
	response := &tfprotov6.GetProviderSchemaResponse{
		Provider:           &tfprotov6.Schema{Block: s.Provider.schema(false)},
		ResourceSchemas:    map[string]*tfprotov6.Schema{},
		DataSourceSchemas:  map[string]*tfprotov6.Schema{},
		ServerCapabilities: &tfprotov6.ServerCapabilities{GetProviderSchemaOptional: true},
	}
	for name, resource := range s.Resources {
		response.ResourceSchemas[name] = &tfprotov6.Schema{Block: resource.schema(true)}
	}
	for name, data := range s.Data {
		response.DataSourceSchemas[name] = &tfprotov6.Schema{Block: data.schema(true)}
	}
	return response
}

// schema is the block as the protocol has it. The package does not tell what is
// optional alone from what AWS fills in if nothing is said. With mayCompute every
// optional attribute is both, so that a reference to it is known after an apply only.
func (b block) schema(mayCompute bool) *tfprotov6.SchemaBlock {
	out := &tfprotov6.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		out.Attributes = append(out.Attributes, &tfprotov6.SchemaAttribute{
			Name: name, Type: protocolType(a.Type), Sensitive: secrets[name],
			Required: a.Required, Optional: !a.Required && !a.Computed, Computed: mayCompute && !a.Required,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		out.BlockTypes = append(out.BlockTypes, b.Blocks[name].schema(name, mayCompute))
	}
	return out
}

func (n nested) schema(name string, mayCompute bool) *tfprotov6.SchemaNestedBlock {
	out := &tfprotov6.SchemaNestedBlock{
		TypeName: name, Block: n.Block.schema(mayCompute), MinItems: n.Min, MaxItems: n.Max,
		Nesting: tfprotov6.SchemaNestedBlockNestingModeList,
	}
	switch {
	case n.Nesting == "single":
		out.Nesting, out.MinItems, out.MaxItems = tfprotov6.SchemaNestedBlockNestingModeSingle, 0, 0
	case n.Nesting == "set" && !n.Block.untyped(): // the protocol allows no untyped value in a set
		out.Nesting = tfprotov6.SchemaNestedBlockNestingModeSet
	}
	return out
}

// untyped reports whether the block holds anything whose type the package does not
// tell, like the statements of a web application firewall.
func (b block) untyped() bool {
	for _, a := range b.Attributes {
		if a.Type == "dynamic" {
			return true
		}
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(b.Blocks)), func(n nested) bool { return n.Block.untyped() })
}

func protocolType(described any) tftypes.Type {
	switch described {
	case "string":
		return tftypes.String
	case "number":
		return tftypes.Number
	case "bool":
		return tftypes.Bool
	case "dynamic":
		return tftypes.DynamicPseudoType
	}
	parts := described.([]any)
	switch parts[0] {
	case "list":
		return tftypes.List{ElementType: protocolType(parts[1])}
	case "set":
		return tftypes.Set{ElementType: protocolType(parts[1])}
	case "map":
		return tftypes.Map{ElementType: protocolType(parts[1])}
	}
	attributes := map[string]tftypes.Type{}
	for name, inner := range parts[1].(map[string]any) {
		attributes[name] = protocolType(inner)
	}
	return tftypes.Object{AttributeTypes: attributes}
}
