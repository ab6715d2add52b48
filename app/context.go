package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// cliContext is the server that the client commands talk to.
type cliContext struct {
	URL string `json:"url"`
	Key string `json:"key"`
}

func contextPath() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "eventflow", "context.json"), nil
}

// saveContext remembers a server for later commands, readable by its owner
// only.
func saveContext(c cliContext) error {
	path, err := contextPath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Chmod(path, 0o600) // a file that was there keeps its mode
}

// loadContext returns the server that EVENTFLOW_URL and EVENTFLOW_KEY name,
// else the remembered one.
func loadContext() (cliContext, error) {
	c := cliContext{URL: os.Getenv(envPrefix + "URL"), Key: os.Getenv(envPrefix + "KEY")}
	if (c.URL == "") != (c.Key == "") {
		// The remembered server would get what was meant for another one.
		return c, usageError{errors.New("EVENTFLOW_URL and EVENTFLOW_KEY go together: set both, or neither for the server that 'eventflow dev' has started")}
	}
	if c.URL != "" {
		return c, checkServerURL(c.URL)
	}
	path, err := contextPath()
	if err != nil {
		return c, err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, unreachableError{errNoContext}
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("%s: %w; 'eventflow dev' writes it anew", path, err)
	}
	return c, nil
}

func checkServerURL(text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return usageError{errors.New("EVENTFLOW_URL must be a URL like https://events.example.com")}
	}
	return nil
}

var errNoContext = errors.New("no server is known: start one with 'eventflow dev', or set EVENTFLOW_URL and EVENTFLOW_KEY")
