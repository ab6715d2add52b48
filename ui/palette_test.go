package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// The palette finds pages, streams and groups by any part of their names.
func TestThePaletteFindsByAnyPartOfAName(t *testing.T) {
	t.Parallel()
	s := newSession("")
	s.me.Permissions = core.Actions
	p := palette{Page: Page{s: s}}
	for _, name := range []string{"warehouse", "eu-warehouse", "Warehouse-2", "orders"} {
		p.names.value.streams = append(p.names.value.streams, core.Stream{Name: name})
	}
	p.names.value.groups = []core.GroupOverview{{Group: core.Group{Name: "warehouse-sync"}, StreamName: "orders"}}
	found := func(text string) (names []string) {
		p.text = text
		p.streams.value.prefix = text
		for _, one := range p.choices() {
			names = append(names, one.name)
		}
		return names
	}
	require.Equal(t, []string{"warehouse", "warehouse-sync", "Warehouse-2", "eu-warehouse", "Stream ware"}, found("ware"), "the closest first; the server may know of more")
	require.Equal(t, []string{"warehouse", "warehouse-sync", "Warehouse-2", "eu-warehouse"}, found("warehouse"))
	require.Contains(t, found("letter"), "Dead letters")
	require.Len(t, found(""), maxChoices)
	p.text = "sync"
	require.Equal(t, "/consumers/orders/warehouse-sync", p.choices()[0].path)
	require.Equal(t, "orders", p.choices()[0].more)
}
