package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// icons are line drawings in a square of 24 units, in the colour of the text.
var icons = map[string]string{ //nolint:gosec // a drawing of a token is none
	"home":      `<path d="M3 11l9-8 9 8v9a1 1 0 0 1-1 1h-5v-6H9v6H4a1 1 0 0 1-1-1z"/>`,
	"stream":    `<path d="M3 7h12M9 12h12M3 17h12"/><circle cx="19" cy="7" r="1"/><circle cx="5" cy="12" r="1"/><circle cx="19" cy="17" r="1"/>`,
	"event":     `<path d="M13 2L4 14h7l-1 8 9-12h-7z"/>`,
	"publish":   `<path d="M22 2L11 13M22 2l-7 20-4-9-9-4z"/>`,
	"consumer":  `<path d="M4 4h16v6H4zM4 14h10v6H4zM18 14v6M15 17h6"/>`,
	"processor": `<path d="M3 4h18l-7 8v7l-4 2v-9z"/>`,
	"dead":      `<path d="M3 6h18l-2 14H5zM8 6V3h8v3M9.5 11l5 5M14.5 11l-5 5"/>`,
	"source":    `<path d="M3 12h11M10 8l4 4-4 4M9 4h11v16H9"/>`,
	"key":       `<circle cx="8" cy="15" r="4"/><path d="M11 12l9-9M17 6l3 3"/>`,
	"token":     `<rect x="3" y="6" width="18" height="12" rx="2"/><path d="M7 12h.01M11 12h6"/>`,
	"user":      `<circle cx="12" cy="8" r="4"/><path d="M4 21c0-4 4-6 8-6s8 2 8 6"/>`,
	"role":      `<path d="M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z"/><path d="M9 12l2 2 4-4"/>`,
	"usage":     `<path d="M4 20V4M4 20h16M8 16v-5M12 16V8M16 16v-3"/>`,
	"audit":     `<path d="M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3"/>`,
	"system":    `<rect x="3" y="4" width="18" height="7" rx="1"/><rect x="3" y="13" width="18" height="7" rx="1"/><path d="M7 7.5h.01M7 16.5h.01"/>`,
	"ok":        `<path d="M5 13l4 4L19 7"/>`,
	"warn":      `<path d="M12 4l9 16H3zM12 10v4M12 17h.01"/>`,
	"bad":       `<circle cx="12" cy="12" r="9"/><path d="M9 9l6 6M15 9l-6 6"/>`,
	"wait":      `<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 3"/>`,
	"info":      `<circle cx="12" cy="12" r="9"/><path d="M12 11v6M12 7h.01"/>`,
	"copy":      `<rect x="9" y="9" width="11" height="11" rx="2"/><path d="M5 15H4V4h11v1"/>`,
	"close":     `<path d="M6 6l12 12M18 6L6 18"/>`,
	"search":    `<circle cx="11" cy="11" r="7"/><path d="M16 16l5 5"/>`,
	"plus":      `<path d="M12 5v14M5 12h14"/>`,
	"next":      `<path d="M9 5l7 7-7 7"/>`,
	"prev":      `<path d="M15 5l-7 7 7 7"/>`,
	"refresh":   `<path d="M20 11a8 8 0 1 0-2 6M20 5v6h-6"/>`,
	"pause":     `<path d="M8 5v14M16 5v14"/>`,
	"play":      `<path d="M7 4l13 8-13 8z"/>`,
	"live":      `<circle cx="12" cy="12" r="3"/><path d="M6 6a8 8 0 0 0 0 12M18 6a8 8 0 0 1 0 12"/>`,
	"export":    `<path d="M12 3v12M7 10l5 5 5-5M4 21h16"/>`,
	"out":       `<path d="M9 4H4v16h5M14 8l4 4-4 4M18 12H9"/>`,
	"theme":     `<circle cx="12" cy="12" r="9"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/>`,
	"install":   `<path d="M12 3v10M8 9l4 4 4-4M4 17v4h16v-4"/>`,
	"link":      `<path d="M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1"/>`,
	"settings":  `<circle cx="12" cy="12" r="3"/><path d="M12 2v4M12 18v4M2 12h4M18 12h4M5 5l3 3M16 16l3 3M19 5l-3 3M8 16l-3 3"/>`,
	"help":      `<circle cx="12" cy="12" r="9"/><path d="M9.5 9a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7M12 17h.01"/>`,
	"switch":    `<path d="M8 9l4-4 4 4M8 15l4 4 4-4"/>`,
	"more":      `<path d="M5 12h.01M12 12h.01M19 12h.01"/>`,
}

// icon draws an icon. It is hidden from people who listen to the page: the words
// beside it say the same.
func icon(name string) app.UI {
	return app.Raw(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + icons[name] + `</svg>`)
}

// mark is the logo.
func mark() app.UI {
	return app.Raw(`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="7"/><path d="M7 11h11M11 16h14M7 21h11"/></svg>`)
}
