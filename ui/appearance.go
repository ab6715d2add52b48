package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// The names under which the browser keeps how its user wants the dashboard shown.
const (
	themeKey = "eventflow theme"
	timesKey = "eventflow times"
)

// applyChoices shows the theme and the kind of times that the user has chosen.
func applyChoices(ctx app.Context) {
	for key, attribute := range map[string]string{themeKey: "data-theme", timesKey: "data-times"} {
		var choice string
		if ctx.LocalStorage().Get(key, &choice) == nil && choice != "" {
			documentElement().Call("setAttribute", attribute, choice)
		}
	}
}

// switchTimes turns relative times into exact ones, and back.
func switchTimes(ctx app.Context) {
	times := "exact"
	if was := documentElement().Call("getAttribute", "data-times"); was.Truthy() && was.String() == times {
		times = "near"
	}
	documentElement().Call("setAttribute", "data-times", times)
	_ = ctx.LocalStorage().Set(timesKey, times) // a full storage forgets the choice
}

func switchTheme(ctx app.Context) {
	theme := "dark"
	if isDark() {
		theme = "light"
	}
	documentElement().Call("setAttribute", "data-theme", theme)
	_ = ctx.LocalStorage().Set(themeKey, theme) // a full storage forgets the choice
}

func isDark() bool {
	if theme := documentElement().Call("getAttribute", "data-theme"); theme.Truthy() {
		return theme.String() == "dark"
	}
	return app.Window().Call("matchMedia", "(prefers-color-scheme: dark)").Get("matches").Bool()
}
