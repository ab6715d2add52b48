// Command generate makes the JSON schemas in ../schemas out of Kubernetes' own API
// description, for the kinds that the chart has: strict ones, which refuse fields that
// the API does not know, in the layout that kubeconform reads. Kubernetes is licensed
// under the Apache License 2.0, as EventFlow is.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// kubernetes is the module whose API description is read.
const kubernetes = "k8s.io/kubernetes@v1.37.2"

// kinds are those that the chart renders: by their names in the API description.
var kinds = map[string]string{
	"deployment-apps-v1":                     "io.k8s.api.apps.v1.Deployment",
	"statefulset-apps-v1":                    "io.k8s.api.apps.v1.StatefulSet",
	"horizontalpodautoscaler-autoscaling-v2": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
	"ingress-networking-v1":                  "io.k8s.api.networking.v1.Ingress",
	"networkpolicy-networking-v1":            "io.k8s.api.networking.v1.NetworkPolicy",
	"poddisruptionbudget-policy-v1":          "io.k8s.api.policy.v1.PodDisruptionBudget",
	"secret-v1":                              "io.k8s.api.core.v1.Secret",
	"service-v1":                             "io.k8s.api.core.v1.Service",
	"serviceaccount-v1":                      "io.k8s.api.core.v1.ServiceAccount",
}

type object = map[string]any

func main() {
	definitions, err := read()
	if err != nil {
		log.Fatal(err)
	}
	for file, name := range kinds {
		schema := resolve(definitions, object{"$ref": "#/definitions/" + name}, nil)
		text, err := json.Marshal(schema)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("schemas", file+".json"), append(text, '\n'), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

func read() (object, error) {
	command := exec.Command("go", "mod", "download", "-json", kubernetes)
	command.Dir = os.TempDir() // outside of this module, which does not require it
	said, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("downloading %s: %w: %s", kubernetes, err, said)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(said, &module); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		return nil, err
	}
	var all struct{ Definitions object }
	err = json.Unmarshal(text, &all)
	return all.Definitions, err
}

// resolve puts definitions where they are referred to, and closes objects to what they
// do not list. within are the definitions around it: one that holds itself stays open.
func resolve(definitions object, value any, within []string) any {
	switch value := value.(type) {
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = resolve(definitions, inner, within)
		}
		return out
	case object:
		if reference, ok := value["$ref"].(string); ok {
			name := strings.TrimPrefix(reference, "#/definitions/")
			if name == "io.k8s.apimachinery.pkg.api.resource.Quantity" {
				return object{"type": []any{"string", "number"}} // described as text, but 1 is as good as "1"
			}
			if slices.Contains(within, name) {
				return object{}
			}
			return resolve(definitions, definitions[name], append(slices.Clone(within), name))
		}
		return resolveObject(definitions, value, within)
	}
	return value
}

func resolveObject(definitions, value object, within []string) object {
	out := object{}
	for key, inner := range value {
		// A property may be called description, too; then it is an object.
		if _, text := inner.(string); strings.HasPrefix(key, "x-kubernetes-") || key == "description" && text {
			continue
		}
		out[key] = resolve(definitions, inner, within)
	}
	if value["format"] == "int-or-string" {
		delete(out, "type")
		delete(out, "format")
		out["oneOf"] = []any{object{"type": "string"}, object{"type": "integer"}}
	}
	if _, has := value["properties"].(object); has && out["additionalProperties"] == nil {
		out["additionalProperties"] = false
	}
	return out
}
