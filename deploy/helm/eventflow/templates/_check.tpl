{{/* What a schema cannot say. Each refusal names the value and what to do. */}}
{{- define "eventflow.check" -}}
{{- $v := .Values }}
{{- if eq $v.storage "sqlite" }}
  {{- if ne (include "eventflow.replicas" . | int) 1 }}{{ fail "replicas: SQLite has one server; for more set storage to postgres" }}{{ end }}
  {{- if $v.autoscaling.enabled }}{{ fail "autoscaling.enabled: SQLite has one server; set storage to postgres" }}{{ end }}
  {{- if or $v.database.existingSecret $v.database.bundled.enabled }}{{ fail "database: is of no use with storage sqlite; set storage to postgres" }}{{ end }}
{{- else }}
  {{- if and (ne $v.storage "postgres") $v.database.bundled.enabled }}{{ fail (printf "database.bundled: is one PostgreSQL for trying; with storage %s name the Secret with the URLs in database.existingSecret" $v.storage) }}{{ end }}
  {{- if and (eq $v.storage "jetstream") (not $v.database.catalogKey) }}{{ fail "database.catalogKey: is required with storage jetstream, the key with the URL of the PostgreSQL for everything but events" }}{{ end }}
  {{- if and $v.database.catalogKey $v.database.bundled.enabled }}{{ fail "database.catalogKey: the bundled PostgreSQL keeps everything; leave it empty" }}{{ end }}
  {{- if and $v.database.existingSecret $v.database.bundled.enabled }}{{ fail "database: existingSecret and bundled exclude each other" }}{{ end }}
  {{- if not (or $v.database.existingSecret $v.database.bundled.enabled) }}{{ fail "database.existingSecret: name the Secret that holds PostgreSQL's URL, or try with database.bundled.enabled=true" }}{{ end }}
{{- end }}
{{- range $name, $value := $v.env }}
  {{- if hasPrefix "EVENTFLOW_" $name }}{{ fail (printf "env.%s: is a setting of the server; write it under settings, as %s" $name ($name | trimPrefix "EVENTFLOW_" | lower | replace "_" "-")) }}{{ end }}
{{- end }}
{{- if and $v.redis.existingSecret $v.redis.bundled.enabled }}{{ fail "redis: existingSecret and bundled exclude each other" }}{{ end }}
{{- if and (or $v.secrets.previous $v.secrets.smtp $v.secrets.archive) (not $v.secrets.existingSecret) }}{{ fail "secrets.previous, secrets.smtp and secrets.archive: need secrets.existingSecret, a Secret with these keys" }}{{ end }}
{{- if and $v.secrets.smtp (not (index $v.settings "mail-from")) }}{{ fail "settings.mail-from: is required with secrets.smtp, the sender address of emails" }}{{ end }}
{{- if and $v.secrets.archive (not (index $v.settings "archive-access-key")) }}{{ fail "settings.archive-access-key: is required with secrets.archive, the secret key that belongs to it" }}{{ end }}
{{- if and $v.ingress.enabled (not $v.ingress.host) }}{{ fail "ingress.host: is required with ingress.enabled" }}{{ end }}
{{- if and $v.autoscaling.enabled (gt ($v.autoscaling.minReplicas | int) ($v.autoscaling.maxReplicas | int)) }}{{ fail "autoscaling.minReplicas: must not be more than maxReplicas" }}{{ end }}
{{- end }}
