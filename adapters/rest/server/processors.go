package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// processor returns the stream and the processor that the path names.
func (c *call) processor() (stream, processor string, err error) {
	if stream, err = c.stream(); err != nil {
		return "", "", err
	}
	processor, err = c.param("processor")
	return stream, processor, err
}

// getAllProcessors answers a page of the processors of all streams.
func (s *Server) getAllProcessors(c *call) error {
	values, limit, err := c.pageQuery()
	if err != nil {
		return err
	}
	page, err := s.Processing.Processors.All(c.context(), c.who, values.Get("cursor"), limit)
	if err != nil {
		return err
	}
	return answerList(c, rest.AllProcessorsPath, values, page)
}

// getProcessors answers the processors of a stream. There are few enough of them for one
// page.
func (s *Server) getProcessors(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	all, err := s.Processing.Processors.List(c.context(), c.who, stream)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.ProcessorOverview]{Items: append([]core.ProcessorOverview{}, all...)})
}

// postProcessor creates a processor.
func (s *Server) postProcessor(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	var spec core.ProcessorSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	created, err := s.Processing.Processors.Create(c.context(), c.who, stream, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.ProcessorPath(created.Stream.String(), created.ID.String()))
	c.setRevision(created.Revision)
	return c.answerJSON(fasthttp.StatusCreated, created)
}

// getProcessor answers a processor and how far it got. As with groups, the entity tag
// names what can be changed, and the answer is never 304.
func (s *Server) getProcessor(c *call) error {
	stream, ref, err := c.processor()
	if err != nil {
		return err
	}
	view, err := s.Processing.Processors.Overview(c.context(), c.who, stream, ref)
	if err != nil {
		return err
	}
	c.setRevision(view.Revision)
	return c.answerJSON(fasthttp.StatusOK, view)
}

// patchProcessor changes the fields that the request names.
func (s *Server) patchProcessor(c *call) error {
	stream, ref, revision, err := c.processorRevision()
	if err != nil {
		return err
	}
	var change core.ProcessorChange
	if err := c.readObject(&change); err != nil {
		return err
	}
	changed, err := s.Processing.Processors.Change(c.context(), c.who, stream, ref, change, revision)
	if err != nil {
		return err
	}
	c.setRevision(changed.Revision)
	return c.answerJSON(fasthttp.StatusOK, changed)
}

// processorRevision is processor, and the revision that a change is meant for.
func (c *call) processorRevision() (stream, ref string, revision int64, err error) {
	if stream, ref, err = c.processor(); err != nil {
		return "", "", 0, err
	}
	revision, err = c.revision(func() (int64, error) {
		p, err := c.server.Processing.Processors.Get(c.context(), c.who, stream, ref)
		return p.Revision, err
	})
	return stream, ref, revision, err
}

// deleteProcessor removes a processor and its dead letters.
func (s *Server) deleteProcessor(c *call) error {
	stream, ref, revision, err := c.processorRevision()
	if err != nil {
		return err
	}
	if err := s.Processing.Processors.Delete(c.context(), c.who, stream, ref, revision); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postPause stops a processor.
func (s *Server) postPause(c *call) error {
	return c.answerProcessor(func(stream, ref string) (any, int64, error) {
		p, err := s.Processing.Processors.Pause(c.context(), c.who, stream, ref)
		return p, p.Revision, err
	})
}

// postResume lets a processor work again.
func (s *Server) postResume(c *call) error {
	return c.answerProcessor(func(stream, ref string) (any, int64, error) {
		p, err := s.Processing.Processors.Resume(c.context(), c.who, stream, ref)
		return p, p.Revision, err
	})
}

// postRotateSecret gives the destination of a processor a new secret.
func (s *Server) postRotateSecret(c *call) error {
	var request rest.RotateSecretRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	return c.answerProcessor(func(stream, ref string) (any, int64, error) {
		p, err := s.Processing.Processors.RotateSecret(c.context(), c.who, stream, ref, request.Grace)
		return p, p.Revision, err
	})
}

// answerProcessor answers a processor that was changed.
func (c *call) answerProcessor(change func(stream, ref string) (changed any, revision int64, err error)) error {
	stream, ref, err := c.processor()
	if err != nil {
		return err
	}
	changed, revision, err := change(stream, ref)
	if err != nil {
		return err
	}
	c.setRevision(revision)
	return c.answerJSON(fasthttp.StatusOK, changed)
}

// postTrial shows what a filter and a transform would do, and sends nothing.
func (s *Server) postTrial(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	var spec core.TrialSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	return c.answerTrials(stream, spec)
}

// postProcessorTrial shows what a processor would do, as it is or changed, and sends nothing.
func (s *Server) postProcessorTrial(c *call) error {
	stream, ref, err := c.processor()
	if err != nil {
		return err
	}
	var request rest.TrialRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	p, err := s.Processing.Processors.Get(c.context(), c.who, stream, ref)
	if err != nil {
		return err
	}
	spec := core.TrialSpec{Filter: p.Filter, Transform: p.Transform, Last: request.Last, Event: request.Event}
	if request.Filter != nil {
		spec.Filter = *request.Filter
	}
	if request.Transform != nil {
		spec.Transform = *request.Transform
	}
	return c.answerTrials(stream, spec)
}

func (c *call) answerTrials(stream string, spec core.TrialSpec) error {
	trials, err := c.server.Processing.Trials.Try(c.context(), c.who, stream, spec)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.Trial]{Items: trials})
}
