// Command dockerlint reads Dockerfiles with BuildKit's own linter, and fails where
// it finds anything. It asks no registry: the images that a build may start from are
// named by flags.
//
//	dockerlint -base docker.io/library/golang:1.26-bookworm Dockerfile
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

func main() {
	var known bases
	flag.Var(&known, "base", "an image that a build may start from, in full; may be repeated")
	flag.Parse()
	failed := flag.NArg() == 0
	for _, name := range flag.Args() {
		found, err := lint(name, known)
		report(os.Stdout, name, found)
		if err != nil {
			fmt.Fprintln(os.Stderr, "dockerlint:", err)
		}
		failed = failed || err != nil || len(found) > 0
	}
	if failed {
		os.Exit(1)
	}
}

// bases stands in for a registry.
type bases []string

// String implements flag.Value.
func (b *bases) String() string { return strings.Join(*b, ",") }

// Set implements flag.Value.
func (b *bases) Set(name string) error {
	*b = append(*b, name)
	return nil
}

// ResolveImageConfig implements the resolver that BuildKit asks for an image that a
// stage starts from.
func (b bases) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	if !slices.Contains(b, ref) {
		return "", "", nil, fmt.Errorf("no image %s is known; those of -base are: %s", ref, &b)
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{"Env": []string{"PATH=/usr/local/go/bin:/usr/bin:/bin"}},
	})
	return ref, digest.FromString(ref), config, err
}

// finding is what the linter says of a line; 0 is the whole file.
type finding struct {
	line       int
	rule, text string
}

// lint returns what is wrong with a Dockerfile. An error says that it cannot be read.
func lint(name string, known bases) ([]finding, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var found []finding
	capabilities := pb.Caps.CapSet(pb.Caps.All())
	source := llb.NewSourceMap(nil, name, "Dockerfile", text)
	source.Definition = &llb.Definition{} // without one the linter dereferences nil
	options := dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{}, LLBCaps: &capabilities, SourceMap: source, MetaResolver: known,
		Warn: func(rule, _, _, text string, location []parser.Range) {
			line := 0
			if len(location) > 0 {
				line = location[0].Start.Line
			}
			found = append(found, finding{line, rule, text})
		},
	}
	result, err := dockerfile2llb.DockerfileLint(context.Background(), text, options)
	if err != nil {
		return append(found, finding{0, "Error", err.Error()}), nil
	}
	if result.Error != nil {
		found = append(found, finding{0, "Error", result.Error.Message})
	}
	for _, warning := range result.Warnings {
		line := 0
		if ranges := warning.Location.GetRanges(); len(ranges) > 0 {
			line = int(ranges[0].Start.Line)
		}
		found = append(found, finding{line, warning.RuleName, warning.Detail})
	}
	return found, nil
}

func report(out io.Writer, name string, found []finding) {
	for _, f := range found {
		fmt.Fprintf(out, "%s:%d: %s: %s\n", name, f.line, f.rule, f.text)
	}
}
