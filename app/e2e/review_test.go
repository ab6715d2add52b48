package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An event that is sent again arrives in the form with all that it was, wherever
// it is sent again from.
func TestAnEventIsSentAgainFromTheBrowser(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 3, nil)
	page := p.signIn(adminEmail)
	page.Go("/streams/orders/events?q=type:order.paid")
	page.See("order.paid")
	page.Press("j")
	page.Click("Send again")
	page.Await("the event in the form", `document.querySelector('#type')?.value === 'order.paid' && document.querySelector('#payload').value.includes('"sku"')`)
	require.Equal(t, "orders", parameter(page, "stream"))
	require.NotEmpty(t, parameter(page, "like"))
	page.Click("Publish")
	page.See("Stored at offset 3")
}
