// Package ui is the dashboard: a progressive web app in Go, compiled to
// WebAssembly. It talks to the server through adapters/rest alone, as any other
// client does, and is held to the same rights.
//
// How it runs:
//
//   - routes.go lists every page with its address. page.go is what every page is given,
//     and place.go lists the pages that the rail leads to.
//   - shell.go is the frame around every page, with crumbs.go and palette.go. It owns the
//     session of session.go: who uses the dashboard, and the way to the server.
//   - load.go is a value that a page fetches, and act.go what a button does. kept.go is
//     what the browser keeps of both for a start without a server. tabs.go is what other
//     tabs have to do with it, organizations.go how a user goes on in another
//     organization.
//   - delay.go waits and repeats. browser.go is the rest of what the browser can do, and
//     appearance.go the theme and the kind of times that the user has chosen.
//
// A page is the type in the file of its name: home_view.go, streams_view.go,
// new_stream_view.go, stream_view.go, stream_consumers_view.go, schema_view.go with
// schema_versions.go and diff.go, quarantine_view.go, quarantined_view.go,
// stream_settings_view.go, events_view.go, event_view.go, publish_view.go,
// consumers_view.go, consumer_view.go, processors_view.go, processor_view.go,
// processor_edit_view.go, dead_letters_view.go, dead_letter_view.go, sources_view.go,
// keys_view.go, users_view.go, roles_view.go, usage_view.go, account_view.go,
// audit_view.go and system_view.go; and, without a session, login_view.go, setup_view.go, forgot_view.go
// and reset_view.go.
//
// What pages are made of:
//
//   - in all pages: table.go, pages.go, button.go, field.go, dialog.go, copy_box.go,
//     panel.go, note.go, icon.go, chart.go, words.go, bytes.go, time_text.go and
//     local_time.go. row_keys.go goes through the rows of all tables.
//   - for the keys of users who leave: leaving.go.
//   - for commands to be copied: command.go, and send_example.go with schema_sample.go.
//   - for errors: error.go, field_errors.go, dead_link.go and retry.go.
//   - in the event browser: scope.go says where reading begins and narrowing.go what is
//     read, from the terms of term.go. found.go and further.go are the pages of what was
//     found, histogram.go and spread.go the chart above them, and tail.go the live list.
//     inspector.go shows one event, with json_box.go, json_tree.go, pick.go and
//     attempts.go. event_keys.go, filter_help.go and export_button.go are its keys, its
//     help and its export.
//   - of streams and groups: stream_head.go, stream_picks.go, group_table.go,
//     group_reset.go, start.go, lag.go, rates.go and trends.go.
//   - of processors: processor.go, deliveries.go, destination_form.go, and trial.go for the
//     preview in the editor.
//   - of the other pages: overall.go and checklist.go for home, source_form.go for
//     sources, key_list.go for keys, login_form.go for signing in, trail_filter.go for the
//     audit trail.
//
// site.go, site_file.go and site_page.go are the other side: the files that a server
// serves, with the program in them. They are not part of the program.
package ui
