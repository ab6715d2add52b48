package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// screenSizes are a desk's, two small laptops', a tablet's and a phone's.
var screenSizes = [][2]int64{{1440, 900}, {1366, 768}, {1280, 720}, {768, 1024}, {390, 844}}

// Every control of every screen, however long the names in it are, is large enough to
// be hit and can be reached by scrolling down at most.
func TestEveryControlCanBeHit(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	found := furnish(t, p)
	stream, group := longNames(t, p)
	page := p.signInHome(adminEmail)
	page.Allow("404 (Not Found)")
	began := time.Now()
	var faults []string
	hit := func(what string) {
		for _, size := range screenSizes {
			page.Size(size[0], size[1])
			var found []string
			page.Eval(controlFaults, &found)
			for _, fault := range found {
				faults = append(faults, fmt.Sprintf("%s at %d×%d: %s", what, size[0], size[1], fault))
			}
			if size[0] == 768 {
				page.Screenshot("tablet/" + what)
			}
		}
	}
	screens := everyScreen(true, found)
	for tab, sees := range map[string]string{"": "Last hour", "/events": "order.", "/consumers": "Oldest unread", "/schema": "Save schema", "/settings": "Delete stream"} {
		screens = append(screens, screen{"/streams/" + stream + tab, "long-stream" + strings.ReplaceAll(tab, "/", "-"), sees})
	}
	screens = append(screens, screen{"/consumers/" + stream + "/" + group, "long-group", "Delivery settings"}, screen{"/streams/" + stream + "/events/0", "long-event", "Send again"})
	for _, s := range screens {
		page.Visit(s.path)
		page.See(s.sees)
		hit(s.name)
	}
	onTop(page, stream, group, hit)
	t.Logf("%d screens in %d sizes after %s", len(screens), len(screenSizes), time.Since(began).Round(time.Millisecond))
	require.Empty(t, strings.Join(faults, "\n"))
}

// longNames makes a stream, a group, a key, a user and events whose names are as long as
// can be, and without a place to break them.
func longNames(t *testing.T, p *program) (stream, group string) {
	t.Helper()
	ctx, client := t.Context(), p.client()
	stream, group = strings.Repeat("w", core.MaxStreamNameLength), strings.Repeat("g", 100)
	_, err := client.CreateStream(ctx, core.StreamSpec{Name: stream, Description: strings.Repeat("d", 200)})
	require.NoError(t, err)
	_, err = client.CreateGroup(ctx, stream, core.GroupSpec{Name: group, Mode: core.Shared})
	require.NoError(t, err)
	for i := range 2 {
		_, err = client.Publish(ctx, stream, rest.NewEvent{
			Type: "order." + strings.Repeat("t", 100), Source: strings.Repeat("s", 100), Subject: strings.Repeat("u", 100),
			Payload: fmt.Appendf(nil, `{%q:%q,"n":%d}`, strings.Repeat("k", 80), strings.Repeat("v", 300), i),
		})
		require.NoError(t, err)
	}
	delivery, err := client.Poll(ctx, stream, group, rest.PollOptions{Limit: 1, Wait: time.Second})
	require.NoError(t, err)
	require.NoError(t, client.Nack(ctx, stream, group, delivery.Lease.ID, rest.Nack{Offset: &delivery.Events[0].Offset, Action: core.NackPark, Reason: strings.Repeat("r", 300)}))
	for kind, environment := range map[core.KeyKind]core.Environment{core.KindAPIKey: core.Live, core.KindServiceToken: ""} {
		_, err = p.admin.CreateKey(ctx, kind, core.KeyRequest{Label: strings.Repeat("l", 40), Environment: environment, Streams: []string{stream}})
		require.NoError(t, err)
	}
	p.person(strings.Repeat("a", 60)+"@"+strings.Repeat("e", 60)+".example.com", core.RoleDeveloper)
	return stream, group
}

// onTop opens what opens on top of a page.
func onTop(page *browser.Page, stream, group string, hit func(what string)) {
	page.Visit("/streams/" + stream + "/events")
	page.See("order.")
	page.Await("the rows", "document.querySelectorAll('tr.pick').length === 2")
	page.Press("j")
	for _, tab := range []string{"Details", "Deliveries", "curl", "Payload"} {
		page.Click(tab)
		page.Await("the part of the event", "!document.querySelector('.inspector .pending')")
		hit("inspector-" + tab)
	}
	page.Press(browser.Escape)
	page.Press("?")
	page.See("focus the filter")
	hit("help")
	page.PressControl("k")
	page.Fill("Page, stream or group", "ww")
	page.See("wwww")
	hit("palette")
	for path, opened := range map[string][2]string{
		"/consumers/" + stream + "/" + group: {"Reset offset…", "will be read again"},
		"/settings/api-keys":                 {"New API key", "Only these streams"},
		"/settings/users":                    {"Invite", "Invite a user"},
		"/streams/orders/consumers":          {"New group", "New consumer group"},
		"/settings/account":                  {"Sign out other sessions…", "Your password"},
	} {
		page.Go(path)
		page.Click(opened[0])
		page.See(opened[1])
		hit(opened[0])
	}
}

// controlFaults are the controls that are too small by WCAG 2.5.8 (24 by 24 pixels, or
// as far from all others as if they were), or that are cut off at a side. Links in a
// sentence are as high as its line, which the rule allows.
const controlFaults = `(async () => {
	await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
	const within = [...document.querySelectorAll('dialog[open]')].pop() || document;
	const name = element => element.tagName.toLowerCase() + '.' + element.className + ' ' + JSON.stringify((element.getAttribute('aria-label') || element.innerText || element.id || '').slice(0, 40));
	const inline = element => element.tagName === 'A' && getComputedStyle(element).display === 'inline' &&
		element.parentElement.innerText.trim().length > element.innerText.trim().length;
	const controls = [...within.querySelectorAll('a[href], button, input, select, textarea, summary, [role=option]')]
		.filter(element => element.checkVisibility({visibilityProperty: true}) && !element.matches('.skip') && !element.closest('details:not([open]) > :not(summary)'))
		.map(element => ({element, box: (element.closest('label') || element).getBoundingClientRect(), own: element.getBoundingClientRect()}));
	const small = box => box.width < 23.9 || box.height < 23.9;
	const centre = box => [box.left + box.width / 2, box.top + box.height / 2];
	const gap = ([x, y], box) => Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
	const crowded = one => controls.some(other => other !== one && !other.element.contains(one.element) && !one.element.contains(other.element) && (gap(centre(one.box), other.box) < 12 ||
		small(other.box) && Math.hypot(centre(one.box)[0] - centre(other.box)[0], centre(one.box)[1] - centre(other.box)[1]) < 24));
	const faults = [];
	for (const one of controls) {
		if (small(one.box) && !inline(one.element) && crowded(one))
			faults.push('too small, ' + Math.round(one.box.width) + '×' + Math.round(one.box.height) + ': ' + name(one.element));
		if (one.own.left < -1 || one.own.right > innerWidth + 1)
			faults.push('off the screen, ' + Math.round(one.own.left) + ' to ' + Math.round(one.own.right) + ': ' + name(one.element));
		for (let above = one.element.parentElement; above && above !== document.body; above = above.parentElement) {
			const style = getComputedStyle(above), box = above.getBoundingClientRect();
			if (style.overflowX !== 'visible' && (one.own.left < box.left - 1 || one.own.right > box.right + 1)) {
				faults.push('cut off by ' + above.tagName.toLowerCase() + '.' + above.className + ': ' + name(one.element));
				break;
			}
			if (/hidden|clip/.test(style.overflowY) && (one.own.top < box.top - 1 || one.own.bottom > box.bottom + 1) && one.own.height > box.height + 8) {
				faults.push('cut off by the height of ' + above.tagName.toLowerCase() + '.' + above.className + ': ' + name(one.element));
				break;
			}
			if (style.position === 'fixed') {
				if (box.top < -1 || box.bottom > innerHeight + 1) faults.push('beyond the screen in ' + above.className + ': ' + name(one.element));
				break;
			}
		}
	}
	return [...new Set(faults)];
})()`
