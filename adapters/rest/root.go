package rest

// Root is what a server answers at `/` to whoever asks for no page.
type Root struct {
	Name string `json:"name"`
	// APIVersion is the version of the API, and not the server's: that one is told at
	// [SystemPath], to whoever may know it.
	APIVersion string `json:"api_version"`
	// Links are paths of this server by what is there. Only what it serves is among
	// them.
	Links map[string]string `json:"links"`
}
