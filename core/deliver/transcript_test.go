package deliver

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write what the state machine says into the transcripts")

// TestTranscripts tells the state machine what the transcripts in testdata say, one
// command a line, and compares its answers, which are the indented lines below each.
// testdata/README.md explains the commands. After a change that is meant,
//
//	go test ./core/deliver -run Transcripts -rewrite
//
// writes the new answers, for a person to read in the diff.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			told, err := os.ReadFile(file)
			require.NoError(t, err)
			played := play(t, string(told))
			if *rewrite {
				require.NoError(t, os.WriteFile(file, []byte(played), 0o600))
			}
			require.Equal(t, string(told), played)
		})
	}
}

// play runs the commands of a transcript and returns it with the answers that they
// get. Comments and empty lines stay.
func play(t *testing.T, told string) string {
	s := &stage{T: t}
	var played strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(told, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue // an answer, which is made anew
		}
		fmt.Fprintln(&played, line)
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		command := commands[words[0]]
		require.NotNil(t, command, "line %d: there is no command %q", i+1, words[0])
		s.answers, s.words = nil, words[1:]
		command(s)
		for _, answer := range s.answers {
			fmt.Fprintln(&played, "  "+answer)
		}
	}
	return played.String()
}
