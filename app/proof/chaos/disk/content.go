//go:build linux

package disk

import (
	"math/rand/v2"
	"slices"
)

const (
	pageSize = 4096
	// sectorSize is what a disk writes as a whole or not at all.
	sectorSize = 512
)

type page [pageSize]byte

// content is what a file holds. A page that is nil, or beyond the last one, is zeros.
type content struct {
	pages []*page
	size  int64
}

// clone shares the pages, so that either side must take a page of its own to change it.
func (c *content) clone() content { return content{slices.Clone(c.pages), c.size} }

func (c *content) at(i int) *page {
	if i < len(c.pages) {
		return c.pages[i]
	}
	return nil
}

func (c *content) read(buffer []byte, offset int64) int {
	n := int(max(0, min(int64(len(buffer)), c.size-offset)))
	for done := 0; done < n; {
		at := offset + int64(done)
		part := buffer[done:min(n, done+pageSize-int(at%pageSize))]
		if p := c.at(int(at / pageSize)); p != nil {
			copy(part, p[at%pageSize:])
		} else {
			clear(part)
		}
		done += len(part)
	}
	return n
}

// write changes a range, and leaves the pages of flushed as they are.
func (c *content) write(data []byte, offset int64, flushed *content) {
	for len(data) > 0 {
		n := copy(c.own(int(offset/pageSize), flushed)[offset%pageSize:], data)
		data, offset = data[n:], offset+int64(n)
	}
	c.size = max(c.size, offset)
}

// resize cuts off the end, or adds zeros.
func (c *content) resize(size int64, flushed *content) {
	if size < c.size {
		whole := int((size + pageSize - 1) / pageSize)
		c.pages = c.pages[:min(len(c.pages), whole)]
		if rest := size % pageSize; rest > 0 && c.at(whole-1) != nil {
			clear(c.own(whole-1, flushed)[rest:])
		}
	}
	c.size = size
}

// own returns a page that may be written.
func (c *content) own(i int, flushed *content) *page {
	for len(c.pages) <= i {
		c.pages = append(c.pages, nil)
	}
	switch p := c.pages[i]; {
	case p == nil:
		c.pages[i] = &page{}
	case p == flushed.at(i):
		owned := *p
		c.pages[i] = &owned
	}
	return c.pages[i]
}

// held counts the pages that take room.
func (c *content) held() (pages int64) {
	for _, p := range c.pages {
		if p != nil {
			pages++
		}
	}
	return pages
}

// some is what a disk may hold that was told to write c over flushed, and was not told
// to flush.
func (c *content) some(flushed *content, chance *rand.Rand) content {
	mixed := flushed.clone()
	for i := range c.pages {
		if c.pages[i] == flushed.at(i) {
			continue
		}
		into := mixed.own(i, flushed)
		from := c.pages[i]
		if from == nil {
			from = &page{}
		}
		for s := 0; s < pageSize; s += sectorSize {
			if chance.IntN(2) == 0 {
				copy(into[s:s+sectorSize], from[s:s+sectorSize])
			}
		}
	}
	size := flushed.size
	if chance.IntN(2) == 0 {
		size = c.size
	}
	mixed.size = max(flushed.size, c.size) // else resize would leave what is beyond
	mixed.resize(size, flushed)
	return mixed
}
