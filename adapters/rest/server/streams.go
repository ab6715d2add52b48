package server

import (
	"net/url"
	"strconv"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// stream returns the stream that the path names, "" if it names none.
func (c *call) stream() (string, error) { return c.param("stream") }

// getStreams answers a page of the streams, with their numbers if the request
// asks for them.
func (s *Server) getStreams(c *call) error {
	values, limit, err := c.pageQuery("prefix", "stats")
	if err != nil {
		return err
	}
	query := core.StreamQuery{Prefix: values.Get("prefix"), Cursor: values.Get("cursor"), Limit: limit}
	stats, err := parseFlag(values, "stats")
	if err != nil {
		return err
	}
	if stats {
		return s.getStreamOverviews(c, values, query)
	}
	page, err := s.Streams.List(c.context(), c.who, query)
	if err != nil {
		return err
	}
	return answerList(c, rest.StreamsPath, values, page)
}

func (s *Server) getStreamOverviews(c *call, values url.Values, query core.StreamQuery) error {
	page, err := s.Delivery.Numbers.Overview(c.context(), c.who, query)
	if err != nil {
		return err
	}
	return answerList(c, rest.StreamsPath, values, page)
}

// postStream creates a stream.
func (s *Server) postStream(c *call) error {
	var spec core.StreamSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	stream, err := s.Streams.Create(c.context(), c.who, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.StreamPath(stream.ID.String()))
	return c.answerStream(fasthttp.StatusCreated, stream)
}

// getStream answers one stream.
func (s *Server) getStream(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	stream, err := s.Streams.Get(c.context(), c.who, ref)
	if err != nil {
		return err
	}
	return c.answerStream(fasthttp.StatusOK, stream)
}

// patchStream changes the fields that the request names.
func (s *Server) patchStream(c *call) error {
	ref, revision, err := c.streamRevision()
	if err != nil {
		return err
	}
	var change core.StreamChange
	if err := c.readObject(&change); err != nil {
		return err
	}
	stream, err := s.Streams.Change(c.context(), c.who, ref, change, revision)
	if err != nil {
		return err
	}
	return c.answerStream(fasthttp.StatusOK, stream)
}

// deleteStream deletes a stream.
func (s *Server) deleteStream(c *call) error {
	ref, revision, err := c.streamRevision()
	if err != nil {
		return err
	}
	if err := s.Streams.Delete(c.context(), c.who, ref, revision); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postMove begins to move a stream to another shard of the store.
func (s *Server) postMove(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	var move rest.StreamMove
	if err := c.readObject(&move); err != nil {
		return err
	}
	if move.Shard == nil {
		return core.Invalid("shard", "is required: the number of a shard, from 0")
	}
	stream, err := s.Moves.Start(c.context(), c.who, ref, *move.Shard)
	if err != nil {
		return err
	}
	return c.answerStream(fasthttp.StatusAccepted, stream)
}

func (c *call) streamRevision() (ref string, revision int64, err error) {
	if ref, err = c.stream(); err != nil {
		return "", 0, err
	}
	revision, err = c.revision(func() (int64, error) {
		stream, err := c.server.Streams.Get(c.context(), c.who, ref)
		return stream.Revision, err
	})
	return ref, revision, err
}

func (c *call) answerStream(status int, stream core.Stream) error {
	return c.answerRevised(status, stream.Revision, stream)
}

// getStats says what a stream holds.
func (s *Server) getStats(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	stats, err := s.Streams.Stats(c.context(), c.who, ref)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, stats)
}

// getRetention says what is kept of a stream, and what was removed last.
func (s *Server) getRetention(c *call) error {
	ref, err := c.stream()
	if err != nil {
		return err
	}
	kept, err := s.Streams.Retained(c.context(), c.who, ref)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, kept)
}

// getHistogram counts a stream's events by time.
func (s *Server) getHistogram(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	values, err := c.query("from", "to", "buckets")
	if err != nil {
		return err
	}
	from, err := parseTime(values, "from")
	if err != nil {
		return err
	}
	to, err := parseTime(values, "to")
	if err != nil {
		return err
	}
	buckets, err := strconv.Atoi(values.Get("buckets"))
	if err != nil {
		return core.Invalid("buckets", "must be a whole number")
	}
	histogram, err := s.Delivery.Numbers.Histogram(c.context(), c.who, stream, from, to, buckets)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, histogram)
}
