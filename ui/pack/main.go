//go:build !js

// Command pack compresses the dashboard's program for the server to embed, and
// says how large the dashboard is. `make build` runs it.
//
//	pack PROGRAM FOLDER QUALITY
//	pack size FOLDER
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/eventflow-go/eventflow/ui"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3:
		quality, err := strconv.Atoi(args[2])
		if err != nil || quality < 0 || quality > 11 {
			return fmt.Errorf("the quality is 0 to 11, not %q", args[2])
		}
		return pack(args[0], args[1], quality)
	case len(args) == 2 && args[0] == "size":
		return size(args[1])
	}
	return errors.New("usage: pack PROGRAM FOLDER QUALITY, or pack size FOLDER")
}

// pack writes the compressed forms of a program into a folder, and last what
// they are, by which the next run sees whether there is anything to do.
func pack(program, folder string, quality int) error {
	body, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	description := fmt.Sprintf("%s %d %d\n", hex.EncodeToString(sum[:16]), len(body), quality)
	target := filepath.Join(folder, filepath.Base(program))
	if kept, err := os.ReadFile(target + ".txt"); err == nil && string(kept) == description {
		return nil
	}
	_ = os.Remove(target + ".txt") // whoever is interrupted leaves no description of half of it
	for _, form := range []struct {
		end  string
		body []byte
	}{{".gz", ui.Gzip(body)}, {".br", ui.Brotli(body, quality)}, {".txt", []byte(description)}} {
		if err := os.WriteFile(target+form.end, form.body, 0o644); err != nil { //nolint:gosec // it is public
			return err
		}
	}
	return nil
}

// What a browser may have to load, in bytes: the program by Brotli's quality,
// and everything else together. Quality 5 makes the same program larger by a
// sixth, so both say the same of it.
var programBudget = map[int]int{5: 2_400_000, 11: 2_050_000}

const othersBudget = 60_000

// size says how large the dashboard of this build is, and fails where that is
// too large.
func size(folder string) error {
	site, err := ui.NewSite()
	if err != nil {
		return err
	}
	var sum string
	var raw, quality int
	description, err := os.ReadFile(filepath.Join(folder, ui.Program+".txt"))
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(string(description), "%s %d %d", &sum, &raw, &quality); err != nil {
		return err
	}
	program, others := site.Load()
	fmt.Printf("program %d bytes (%d unpacked), everything else %d bytes\n", program, raw, others)
	return within(program, others, quality)
}

// within holds sizes to their budgets.
func within(program, others, quality int) error {
	if program == 0 {
		return errors.New("the program is not in this build")
	}
	if budget, known := programBudget[quality]; !known || program > budget {
		return fmt.Errorf("the program takes %d bytes at quality %d; its budget is %d", program, quality, budget)
	}
	if others > othersBudget {
		return fmt.Errorf("everything but the program takes %d bytes; the budget is %d", others, othersBudget)
	}
	return nil
}
