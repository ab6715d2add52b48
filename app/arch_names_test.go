package app_test

import (
	"go/ast"
	"iter"
)

// exported yields the names a file exports, each with its comment: those of
// the package, and the methods of its exported types. The comment of a group
// of variables or constants counts for each of them.
func exported(file *ast.File) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, declaration := range file.Decls {
			for name, doc := range declared(declaration) {
				if ast.IsExported(name.Name) && !yield(name.Name, doc) {
					return
				}
			}
		}
	}
}

func declared(declaration ast.Decl) map[*ast.Ident]string {
	names := map[*ast.Ident]string{}
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || ast.IsExported(receiver(d.Recv.List[0].Type)) {
			names[d.Name] = d.Doc.Text()
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				names[s.Name] = d.Doc.Text() + s.Doc.Text()
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names[name] = d.Doc.Text() + s.Doc.Text() + s.Comment.Text()
				}
			}
		}
	}
	return names
}

// receiver is the name of the type a method belongs to.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
