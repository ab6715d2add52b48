package ui

// Page is what every page is given: the session and the address.
type Page struct {
	s *session
	// Path is the address, escaped; Params are the parts of it that vary, as they
	// are called.
	Path   string
	Params map[string]string
	// Rev changes when the session does.
	Rev int
}

// CompoID implements [app.DismountEnforcer]: another address is another page.
func (p Page) CompoID() string { return p.Path }

// stream is the stream that the address names.
func (p Page) stream() string { return p.Params["stream"] }
