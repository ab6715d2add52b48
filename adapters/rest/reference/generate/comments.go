package main

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// comments is what the source says about types, their fields and values, and handlers. Names
// are qualified by their package, as in `core.Stream`.
type comments struct {
	types  map[string]string
	fields map[string]map[string]string
	// values are the texts of constants, and enums the constants of each type in their order.
	values map[string]string
	enums  map[string][]enumerated
	// handlers are the first sentences of the handlers' comments. routes are the handlers of
	// the routes, in their order.
	handlers map[string]string
	routes   []string
}

type enumerated struct{ value, doc string }

// readComments reads packages of this module, whose folder root is.
func readComments(root string, folders ...string) (*comments, error) {
	c := &comments{
		types: map[string]string{}, fields: map[string]map[string]string{}, values: map[string]string{},
		enums: map[string][]enumerated{}, handlers: map[string]string{},
	}
	for _, folder := range folders {
		if err := c.readPackage(filepath.Join(root, folder)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *comments) readPackage(folder string) error {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(names) == 0 {
		return errors.Join(err, fs.ErrNotExist)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file)
	}
	// Nothing is imported, so most of a package does not check. Its plain constants do.
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}, Importer: nothing{}}
	_, _ = config.Check(folder, set, files, info)
	for _, file := range files {
		for _, declaration := range file.Decls {
			c.read(file.Name.Name+".", declaration, info)
		}
	}
	return nil
}

// nothing is an importer that finds nothing.
type nothing struct{}

// Import implements types.Importer.
func (nothing) Import(path string) (*types.Package, error) {
	return nil, errors.New(path + " is not read")
}

func (c *comments) read(prefix string, declaration ast.Decl, info *types.Info) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		c.handlers[d.Name.Name] = sentence(d.Name.Name, d.Doc.Text())
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				c.readType(prefix, s, d.Doc.Text()+s.Doc.Text())
			case *ast.ValueSpec:
				c.readValue(prefix, s, info)
				if s.Names[0].Name == "table" && prefix == "server." {
					c.readTable(s)
				}
			}
		}
	}
}

// sentence is the first sentence of a comment without the name that it begins with.
func sentence(name, text string) string {
	text = strings.ReplaceAll(strings.TrimPrefix(text, name+" "), "\n", " ")
	if end := strings.Index(text, ". "); end >= 0 {
		text = text[:end+1]
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func (c *comments) readType(prefix string, spec *ast.TypeSpec, doc string) {
	c.types[prefix+spec.Name.Name] = doc
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	fields := map[string]string{}
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			fields[name.Name] = field.Doc.Text() + field.Comment.Text()
		}
	}
	c.fields[prefix+spec.Name.Name] = fields
}

func (c *comments) readValue(prefix string, spec *ast.ValueSpec, info *types.Info) {
	for _, name := range spec.Names {
		found, ok := info.Defs[name].(*types.Const)
		if !ok || found.Val().Kind() == constant.Unknown {
			continue
		}
		text := found.Val().ExactString()
		if found.Val().Kind() == constant.String {
			text = constant.StringVal(found.Val())
		}
		c.values[prefix+name.Name] = text
		if kind, named := spec.Type.(*ast.Ident); named && found.Val().Kind() == constant.String {
			enum := prefix + kind.Name
			c.enums[enum] = append(c.enums[enum], enumerated{text, spec.Doc.Text()})
		}
	}
}

// readTable reads which handler each route has.
func (c *comments) readTable(spec *ast.ValueSpec) {
	for _, row := range spec.Values[0].(*ast.CompositeLit).Elts {
		handler := ""
		ast.Inspect(row, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if _, method := selector.X.(*ast.ParenExpr); method {
					handler = selector.Sel.Name
				}
			}
			return true
		})
		c.routes = append(c.routes, handler)
	}
}

var (
	link = regexp.MustCompile(`\[(\w+(?:\.\w+)*)\]`)
	word = regexp.MustCompile(`\b[A-Z]\w*\b`)
)

// plain is a comment for people who do not see the source: links are the values of their
// constants or names, and fields have their names of JSON.
func (c *comments) plain(prefix, text string, names map[string]string) string {
	text = link.ReplaceAllStringFunc(text, func(found string) string {
		name := found[1 : len(found)-1]
		for _, full := range []string{name, prefix + name} {
			if value, ok := c.values[full]; ok {
				return value
			}
		}
		parts := strings.Split(name, ".")
		return parts[len(parts)-1]
	})
	text = word.ReplaceAllStringFunc(text, func(found string) string {
		if name := names[found]; name != "" && name != "-" {
			return "`" + name + "`"
		}
		return found
	})
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, paragraph := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(paragraph), " ")
	}
	paragraphs = slices.DeleteFunc(paragraphs, func(p string) bool { return p == "" })
	return strings.Join(paragraphs, "\n\n")
}
