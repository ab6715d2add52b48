package sharded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// A shard is recognized by the label that it keeps, not by its place in a list: whoever
// swaps two addresses, or leaves one out, would have the streams of one shard looked for on
// another, and new events stored there.

// labelRounds bounds how often the labels are read again because another server sets
// them, too.
const labelRounds = 3

// recognize opens the shards and compares their labels with the list.
func (s *Storage) recognize(ctx context.Context) error {
	_ = s.each(func(one *shard) error {
		ctx, cancel := context.WithTimeout(ctx, openTimeout)
		defer cancel()
		return one.open(ctx)
	})
	for _, one := range s.shards {
		storage := one.opened()
		if storage == nil {
			continue
		}
		_, labelled := storage.(core.Labelled)
		_, movable := storage.(core.Movable)
		if !labelled || !movable {
			return fmt.Errorf("%s cannot be a shard: its adapter is no core.Labelled and core.Movable", one.Name)
		}
	}
	for range labelRounds {
		again, err := s.label(ctx)
		if err != nil || !again {
			return err
		}
	}
	return errors.New("other servers keep changing the labels of the shards; start again")
}

// label compares, and labels what is new. again is whether another server was faster.
func (s *Storage) label(ctx context.Context) (again bool, err error) {
	labels := make([]core.ShardLabel, len(s.shards))
	var known core.ShardLabel // Of is the most shards that any label tells of
	for i, one := range s.shards {
		storage := one.opened()
		if storage == nil {
			continue
		}
		if labels[i], err = one.labelled(storage).Label(ctx); err != nil {
			return false, fmt.Errorf("reading the label of %s: %w", one.Name, err)
		}
		label := labels[i]
		switch {
		case label.IsZero():
			continue
		case known.Installation.IsZero():
			known.Installation = label.Installation
		}
		if label.Installation != known.Installation || label.Number != i {
			return false, one.wrong(label, known.Installation)
		}
		known.Of = max(known.Of, label.Of)
	}
	if known.Of > len(s.shards) {
		return false, fmt.Errorf("the installation has %d shards, and the list names only %d: name all of them, in their order", known.Of, len(s.shards))
	}
	if err := s.checkNew(ctx, labels, known.Of); err != nil {
		return false, err
	}
	if known.Installation.IsZero() {
		var random [10]byte
		_, _ = rand.Read(random[:]) // never fails: see the package's documentation
		known.Installation = core.NewID(time.Now(), random[:])
	}
	return s.setLabels(ctx, known.Installation, labels)
}

// checkNew refuses a shard that has no label, unless it is empty and at the end of those
// that are known. The first one may hold what it held before there were shards.
func (s *Storage) checkNew(ctx context.Context, labels []core.ShardLabel, known int) error {
	for i, one := range s.shards {
		storage := one.opened()
		if storage == nil {
			if i < known {
				continue
			}
			return fmt.Errorf("%s cannot be reached, and a shard must be when it is named for the first time: %w", one.Name, one.cause)
		}
		if !labels[i].IsZero() || i == 0 && known == 0 {
			continue
		}
		if i < known {
			return fmt.Errorf("%s is named as shard %d of the installation, and it is another database: it has no label", one.Name, i)
		}
		logs, err := storage.(core.Movable).Logs(ctx)
		if err != nil {
			return fmt.Errorf("looking whether %s is empty: %w", one.Name, err)
		}
		if len(logs) > 0 {
			return fmt.Errorf("%s is named as a new shard, and already holds %d streams: name an empty one", one.Name, len(logs))
		}
	}
	return nil
}

// setLabels stores the labels that are not there yet. It writes nothing else: a shard that
// can be read, and cannot store, is one all the same.
func (s *Storage) setLabels(ctx context.Context, installation core.ID, labels []core.ShardLabel) (again bool, err error) {
	for i, one := range s.shards {
		one.installation = installation
		storage := one.opened()
		if storage == nil {
			continue
		}
		label := core.ShardLabel{Installation: installation, Number: i, Of: len(s.shards)}
		if labels[i] == label {
			continue
		}
		stored, err := one.labelled(storage).SetLabel(ctx, label)
		if err != nil {
			return false, fmt.Errorf("labelling %s: %w", one.Name, err)
		}
		switch {
		case stored.Installation != installation && i == 0:
			return true, nil // another server has begun at the same time
		case stored.Installation != installation || stored.Number != i:
			return false, one.wrong(stored, installation)
		}
	}
	return false, nil
}

func (s *shard) labelled(storage core.Storage) core.Labelled { return storage.(core.Labelled) }

// wrong says what is wrong with a list, by the label of one of its shards.
func (s *shard) wrong(label core.ShardLabel, installation core.ID) error {
	switch {
	case label.IsZero():
		return fmt.Errorf("%s is named as shard %d of the installation, and it is another database: it has no label", s.Name, s.number)
	case label.Installation == installation:
		return fmt.Errorf("%s is shard %d, and the list names it as shard %d: put the list back into its order", s.Name, label.Number, s.number)
	}
	return fmt.Errorf("%s is shard %d of another installation than the other shards of the list", s.Name, label.Number)
}
