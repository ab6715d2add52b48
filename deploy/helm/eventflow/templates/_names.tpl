{{- define "eventflow.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) }}
{{- $name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Of what belongs together. They never change: a selector is immutable. */}}
{{- define "eventflow.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "eventflow.labels" -}}
{{ include "eventflow.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "eventflow.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{- define "eventflow.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "eventflow.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "eventflow.secret" -}}
{{ .Values.secrets.existingSecret | default (printf "%s-secret" (include "eventflow.name" .)) }}
{{- end }}

{{- define "eventflow.replicas" -}}
{{- if kindIs "invalid" .Values.replicas }}{{ ternary 1 2 (eq .Values.storage "sqlite") }}{{ else }}{{ .Values.replicas }}{{ end }}
{{- end }}

{{- define "eventflow.publicURL" -}}
{{- with .Values.ingress }}{{ if .enabled }}{{ ternary "https" "http" (ne .tlsSecretName "") }}://{{ .host }}{{ end }}{{ end }}
{{- end }}

{{/* Pods and containers that may do nothing but their work. */}}
{{- define "eventflow.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
