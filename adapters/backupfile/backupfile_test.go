package backupfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/backupfile"
)

// write makes a backup of parts with lines.
func write(t testing.TB, parts map[string][]string, order ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := backupfile.NewWriter(&out)
	require.NoError(t, err)
	for _, name := range order {
		require.NoError(t, w.Part(map[string]string{"name": name}))
		for _, line := range parts[name] {
			require.NoError(t, w.Line([]byte(line)))
		}
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// read reads a backup to its end.
func read(packed []byte) (parts map[string][]string, err error) {
	r, err := backupfile.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	parts = map[string][]string{}
	for {
		var head struct{ Name string }
		if err := r.Part(&head); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return parts, err
		}
		parts[head.Name] = []string{}
		for {
			line, err := r.Line()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return parts, err
			}
			parts[head.Name] = append(parts[head.Name], string(line))
		}
	}
}

var some = map[string][]string{
	"first": {`{"a":1}`, `{"b":"x\ny"}`, `{"part":[1],"end":2}`}, "none": {}, "last": {`{"long":"` + strings.Repeat("0123456789", 150_000) + `"}`, `{}`},
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	got, err := read(write(t, some, "first", "none", "last"))
	require.NoError(t, err)
	require.Equal(t, some, got)
	got, err = read(write(t, nil))
	require.NoError(t, err)
	require.Empty(t, got)
}

// Whoever looks at heads alone checks the lines all the same.
func TestPartsCanBePassedOver(t *testing.T) {
	t.Parallel()
	r, err := backupfile.NewReader(bytes.NewReader(write(t, some, "first", "none", "last")))
	require.NoError(t, err)
	defer r.Close()
	var names []string
	for {
		var head struct{ Name string }
		if err := r.Part(&head); errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, head.Name)
	}
	require.Equal(t, []string{"first", "none", "last"}, names)
	_, err = r.Line()
	require.ErrorIs(t, err, io.EOF)
}

// Wherever a backup was cut off, it is not taken for a whole one.
func TestABackupThatWasCutOff(t *testing.T) {
	t.Parallel()
	packed := write(t, some, "first", "none", "first", "none")
	for cut := range packed {
		_, err := read(packed[:cut])
		require.ErrorIs(t, err, backupfile.ErrDamaged, "cut off at %d of %d", cut, len(packed))
	}
}

// altered unpacks a backup, changes its text and packs it again: zstd's own checksum
// is right then.
func altered(t *testing.T, packed []byte, change func(lines []string) []string) []byte {
	t.Helper()
	unpacker, err := zstd.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	defer unpacker.Close()
	text, err := io.ReadAll(unpacker)
	require.NoError(t, err)
	lines := change(strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"))
	var out bytes.Buffer
	packer, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	_, err = io.WriteString(packer, strings.Join(lines, "\n")+"\n")
	require.NoError(t, err)
	require.NoError(t, packer.Close())
	return out.Bytes()
}

func TestABackupThatWasAltered(t *testing.T) {
	t.Parallel()
	packed := write(t, some, "first", "none", "last")
	same, err := read(altered(t, packed, func(lines []string) []string { return lines }))
	require.NoError(t, err)
	require.Equal(t, some, same)
	for what, change := range map[string]func(lines []string) []string{
		"a value":            func(l []string) []string { l[2] = `{"a":2}`; return l },
		"a head":             func(l []string) []string { l[1] = strings.Replace(l[1], "first", "worst", 1); return l },
		"a line less":        func(l []string) []string { return append(l[:2:2], l[3:]...) },
		"a line more":        func(l []string) []string { return append(append(l[:2:2], `{}`), l[2:]...) },
		"lines in disorder":  func(l []string) []string { l[2], l[3] = l[3], l[2]; return l },
		"a part less":        func(l []string) []string { return append(l[:6:6], l[8:]...) },
		"the end twice":      func(l []string) []string { return append(l, l[len(l)-1]) },
		"no end":             func(l []string) []string { return l[:len(l)-1] },
		"another format":     func(l []string) []string { l[0] = `["other backup",1]`; return l },
		"something else":     func(l []string) []string { l[5] = `["joke"]`; return l },
		"no JSON":            func(l []string) []string { l[1] = `what`; return l },
		"an empty line more": func(l []string) []string { return append(append(l[:2:2], ``), l[2:]...) },
	} {
		_, err := read(altered(t, packed, change))
		require.ErrorIs(t, err, backupfile.ErrDamaged, what)
	}
	_, err = read(altered(t, packed, func(l []string) []string { l[0] = `["eventflow backup",2]`; return l }))
	require.ErrorContains(t, err, "run a newer eventflow")
	for _, foreign := range []string{"", "{}\n", "PK\x03\x04 something else that somebody has put there"} {
		_, err := read([]byte(foreign))
		require.ErrorIs(t, err, backupfile.ErrDamaged, foreign)
	}
}

func TestALineIsAnObject(t *testing.T) {
	t.Parallel()
	w, err := backupfile.NewWriter(io.Discard)
	require.NoError(t, err)
	require.Error(t, w.Line([]byte(`{}`)), "no part has begun")
	require.NoError(t, w.Part(1))
	for _, line := range []string{``, `[]`, `7`, "{\n}"} {
		require.Error(t, w.Line([]byte(line)), line)
	}
	require.NoError(t, w.Line([]byte(`{}`)))
	w.Abandon()
}

// Random bytes end in an error, and in none that takes all memory.
func FuzzRead(f *testing.F) {
	packed := write(f, map[string][]string{"a": {`{"x":1}`}}, "a")
	f.Add(packed)
	f.Add(packed[:len(packed)/2])
	f.Fuzz(func(t *testing.T, packed []byte) {
		if _, err := read(packed); err != nil {
			require.NotEmpty(t, fmt.Sprint(err))
		}
	})
}
