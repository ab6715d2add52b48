package app

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// envPrefix begins the name of every setting in the environment and in files.
const envPrefix = "EVENTFLOW_"

// settings maps flag names to their flags; one flag per field of Config.
type settings struct {
	flags  *pflag.FlagSet
	config *Config
	file   string
	origin map[string]string  // where a value comes from, by flag; "" is the default
	known  func(Config) error // refuses a store that this program does not know; it may be nil
}

// DefaultConfig returns the settings where nothing is said, for programs that
// embed a server. They need a Secret.
func DefaultConfig() Config {
	return *bindConfig(pflag.NewFlagSet("", pflag.ContinueOnError)).config
}

// bindConfig declares a flag for every field of a Config and sets the defaults.
func bindConfig(flags *pflag.FlagSet) *settings {
	s := &settings{flags: pflag.NewFlagSet("settings", pflag.ContinueOnError), config: &Config{}, origin: map[string]string{}}
	value := reflect.ValueOf(s.config).Elem()
	for i := range value.NumField() {
		field := value.Type().Field(i)
		name, usage := field.Tag.Get("name"), field.Tag.Get("usage")
		switch target := value.Field(i).Addr().Interface().(type) {
		case *string:
			s.flags.StringVar(target, name, "", usage)
		case *bool:
			s.flags.BoolVar(target, name, false, usage)
		case *int:
			s.flags.IntVar(target, name, 0, usage)
		case *int64:
			s.flags.Int64Var(target, name, 0, usage)
		case *time.Duration:
			s.flags.DurationVar(target, name, 0, usage)
		}
		flag := s.flags.Lookup(name)
		if err := flag.Value.Set(field.Tag.Get("default")); err != nil && flag.Value.Type() != "string" {
			panic(fmt.Sprintf("the default of setting %s: %v", name, err))
		}
		flag.DefValue = flag.Value.String()
	}
	flags.AddFlagSet(s.flags)
	flags.StringVar(&s.file, "config", "", "settings file, with lines of EVENTFLOW_NAME=value")
	return s
}

// load fills in what no flag has set, from the environment and the file, and
// returns the configuration. Unknown names are errors. Of several errors it returns
// the first one.
func (s *settings) load(environ []string) (Config, error) {
	cfg, problems := s.read(environ)
	if len(problems) > 0 {
		return Config{}, problems[0]
	}
	if err := cfg.validate(); err != nil || s.known == nil {
		return cfg, err
	}
	return cfg, s.known(cfg)
}

// read is load with all that is wrong about the form of the settings, and without a
// look at what they say. A setting whose value cannot be read has its default.
func (s *settings) read(environ []string) (Config, []error) {
	fromFile, problems := s.readFile()
	fromEnv, more := s.readEnviron(environ)
	problems = append(problems, more...)
	s.flags.VisitAll(func(flag *pflag.Flag) {
		text, given := fromEnv[flag.Name]
		origin := "environment"
		if !given {
			text, given = fromFile[flag.Name]
			origin = "file"
		}
		switch {
		case flag.Changed && holdsSecret(flag.Name, flag.Value.String()):
			problems = append(problems, wrong(flag.Name, "holds a secret and must not be given as a flag: the list of processes shows it to everybody on this machine. "+
				"Set "+envName(flag.Name)+", or "+envName(flag.Name)+"_FILE to the name of a file that holds it"))
		case flag.Changed:
			s.origin[flag.Name] = "flag"
		case given:
			s.origin[flag.Name] = origin
			if flag.Value.Set(text) != nil {
				problems = append(problems, wrong(flag.Name, "("+envName(flag.Name)+") must be "+kinds[flag.Value.Type()]))
				_ = flag.Value.Set(flag.DefValue) // which is good
			}
		}
	})
	return *s.config, problems
}

// kinds says what the value of a flag's type is.
var kinds = map[string]string{
	"bool": "true or false", "int": "a whole number", "int64": "a whole number", "duration": "a duration, like 30s or 5m",
}

// set gives a setting another default; flags, environment and file win.
func (s *settings) set(name, value string) {
	flag := s.flags.Lookup(name)
	flag.DefValue = value
	if !flag.Changed {
		_ = flag.Value.Set(value) // a constant of the program, covered by its tests
	}
}

// again returns settings with the same flags and the same file that are yet to be
// loaded, as a program that starts now has them.
func (s *settings) again() *settings {
	fresh := bindConfig(pflag.NewFlagSet("again", pflag.ContinueOnError))
	fresh.file, fresh.known = s.file, s.known
	s.flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed {
			_ = fresh.flags.Set(flag.Name, flag.Value.String()) // it was good before
		}
	})
	return fresh
}

func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (s *settings) readEnviron(environ []string) (values map[string]string, problems []error) {
	values = map[string]string{}
	given := map[string]string{}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		given[name] = value
	}
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		if !strings.HasPrefix(name, envPrefix) || strings.HasPrefix(name, envPrefix+"TEST_") {
			continue
		}
		if name == envPrefix+"CONFIG" || name == envPrefix+"KEY" || name == envPrefix+"URL" {
			continue // settings of the command line, not of the server
		}
		if given[name+"_FILE"] != "" {
			if value != "" {
				problems = append(problems, usageError{fmt.Errorf("both %s and %s_FILE are set: unset one of them", name, name)})
			}
			continue
		}
		if err := s.take(values, name, value); err != nil {
			problems = append(problems, err)
		}
	}
	return values, problems
}

// take records one NAME=value pair; NAME_FILE is replaced by the file's text.
func (s *settings) take(values map[string]string, name, value string) error {
	for _, known := range s.names() {
		switch name {
		case envName(known):
			values[known] = value
			return nil
		case envName(known) + "_FILE":
			text, err := os.ReadFile(value)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", name, err)}
			}
			values[known] = strings.TrimRight(string(text), "\r\n")
			return nil
		}
	}
	return usageError{fmt.Errorf("unknown setting %s; 'eventflow config' lists all settings", name)}
}

func (s *settings) names() (names []string) {
	s.flags.VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return slices.Sorted(slices.Values(names))
}

func (s *settings) readFile() (values map[string]string, problems []error) {
	values = map[string]string{}
	path := s.file
	if path == "" {
		path = os.Getenv(envPrefix + "CONFIG")
	}
	if path == "" {
		return values, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return values, []error{usageError{fmt.Errorf("the settings file (--config): %w", err)}}
	}
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // some editors begin a file with a byte order mark
		}
		if err := s.readLine(values, line); err != nil {
			problems = append(problems, usageError{fmt.Errorf("%s line %d: %w", path, number, err)})
		}
	}
	if err := errors.Join(lines.Err(), file.Close()); err != nil {
		problems = append(problems, err)
	}
	return values, problems
}

func (s *settings) readLine(values map[string]string, line string) error {
	line = strings.TrimSpace(line)
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	name, value, found := strings.Cut(line, "=")
	if !found {
		return errors.New("must be NAME=value")
	}
	return s.take(values, strings.TrimSpace(name), strings.TrimSpace(value))
}
