package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sound is a service that breaks no rule; each case below changes one text in it.
const sound = `services:
  one:
    image: docker.io/library/postgres:17.6-bookworm
    environment: {PASSWORD: "${PASSWORD:?make one}"}
    healthcheck: {test: [CMD, "true"], interval: 5s}
    ports: ["127.0.0.1:8080:8080"]
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
    volumes: ["./file:/file:ro"]
  two:
    image: docker.io/library/redis:7.4.5
    profiles: [full]
    depends_on: [one]
    healthcheck: {disable: true}
    security_opt: ["no-new-privileges:true"]
    restart: unless-stopped
`

// check returns what the linter says of a text, with the variables of an environment.
func check(t *testing.T, text, environment string) string {
	t.Helper()
	folder := t.TempDir()
	file, variables := filepath.Join(folder, "compose.yaml"), filepath.Join(folder, ".env")
	for path, text := range map[string]string{file: text, variables: environment, filepath.Join(folder, "file"): ""} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	project, err := load(file, variables)
	if err != nil {
		return err.Error()
	}
	return strings.Join(lint(project), "\n")
}

const full = "PASSWORD=x\nCOMPOSE_PROFILES=full\n"

// TestTheLinterFindsWhatIsBroken breaks a sound file in one place at a time.
func TestTheLinterFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	require.Empty(t, check(t, sound, full))
	for _, c := range []struct{ from, to, want string }{
		{"restart: unless", "restrat: unless", "restrat"},
		{"depends_on: [one]", "depends_on: [oen]", `undefined service "oen"`},
		{"127.0.0.1:8080:8080", "127.0.0.1:8080:http", "http"},
		{"interval: 5s", "interval: 5", "interval"},
		{"    restart: unless-stopped\n    volumes", "    volumes", "service one: it is not started again"},
		{":17.6-bookworm", ":latest", "service one: the image has no version"},
		{":17.6-bookworm", "", "service one: the image has no version"},
		{"docker.io/library/redis", "redis", "service two: the image has no version"},
		{"127.0.0.1:8080", "8080", "service one: a port is open to the network"},
		{`    healthcheck: {test: [CMD, "true"], interval: 5s}` + "\n", "", "service one: there is no health check"},
		{"    healthcheck: {disable: true}\n    security_opt: [\"no-new-privileges:true\"]\n", "    healthcheck: {disable: true}\n", "service two: it may gain privileges"},
		{"./file:", "./flie:", "service one: a mounted file does not exist"},
		{"/file:ro", "/file", "service one: a mounted file can be written to"},
	} {
		require.Equal(t, 1, min(1, strings.Count(sound, c.from)), c.from)
		require.Contains(t, check(t, strings.Replace(sound, c.from, c.to, 1), full), c.want, c.to)
	}
}

// TestTheLinterReadsTheVariablesOfTheFile holds that a missing secret is named, and
// that the profiles of the file decide what is started.
func TestTheLinterReadsTheVariablesOfTheFile(t *testing.T) {
	t.Parallel()
	require.Contains(t, check(t, sound, ""), "make one")
	broken := strings.Replace(sound, "redis:7.4.5", "redis:latest", 1)
	require.Empty(t, check(t, broken, "PASSWORD=x\n"), "what no profile starts is not looked at")
	require.Contains(t, check(t, broken, full), "service two")
}
