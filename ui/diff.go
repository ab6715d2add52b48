package ui

import (
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// change is a line of a comparison: kept, added or removed.
type change struct {
	sign rune
	line string
}

// mostCompared bounds the lines of a text that is compared. Longer ones are shown as
// removed and added as a whole.
const mostCompared = 1500

// changes compares two texts line by line, with as few changes as there can be.
func changes(before, after string) (all []change) {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(a) > mostCompared || len(b) > mostCompared {
		for _, line := range a {
			all = append(all, change{'-', line})
		}
		for _, line := range b {
			all = append(all, change{'+', line})
		}
		return all
	}
	// common[i][j] is how many lines a[i:] and b[j:] have in common.
	common := make([][]int16, len(a)+1)
	for i := range common {
		common[i] = make([]int16, len(b)+1)
	}
	for i := range slices.Backward(a) {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, change{' ', a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			all = append(all, change{'-', a[i]})
			i++
		default:
			all = append(all, change{'+', b[j]})
			j++
		}
	}
	return all
}

// diff shows what was changed from one text to another.
func diff(before, after string) app.UI {
	var lines []app.UI
	for _, one := range changes(before, after) {
		text := string(one.sign) + " " + one.line + "\n"
		switch one.sign {
		case '+':
			lines = append(lines, app.Ins().Text(text))
		case '-':
			lines = append(lines, app.Del().Text(text))
		default:
			lines = append(lines, app.Span().Text(text))
		}
	}
	return app.Pre().Class("diff").TabIndex(0).Aria("label", "Changes").Role("region").Body(lines...)
}
