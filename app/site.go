package app

import (
	"fmt"
	"runtime/debug"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/ui"
)

// siteFunc is where the server finds the dashboard.
type siteFunc func(path string, html bool) (server.Page, bool)

// newSite renders the dashboard, unless the settings say that there is none.
func newSite(cfg Config) (siteFunc, error) {
	if !cfg.Dashboard {
		return nil, nil //nolint:nilnil // the server takes it for none
	}
	site, err := ui.NewSite()
	if err != nil {
		return nil, fmt.Errorf("rendering the dashboard: %w", err)
	}
	// Rendering and packing take some memory once; nobody waits for its return.
	go debug.FreeOSMemory()
	return func(path string, html bool) (server.Page, bool) {
		file, found := site.Find(path, html)
		return server.Page{
			ContentType: file.ContentType, Body: file.Body, Gzip: file.Gzip, Brotli: file.Brotli, Size: file.Size,
			ETag: file.ETag, CacheControl: ui.CacheControl, CSP: ui.ContentSecurityPolicy,
		}, found
	}, nil
}
