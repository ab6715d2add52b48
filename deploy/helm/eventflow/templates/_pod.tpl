{{/* The server's pod, the same under a StatefulSet and a Deployment. */}}
{{- define "eventflow.pod" -}}
metadata:
  labels:
    {{- include "eventflow.labels" . | nindent 4 }}
    app.kubernetes.io/component: server
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with .Values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "eventflow.serviceAccount" . }}
  automountServiceAccountToken: false
  # Kubernetes would put EVENTFLOW_PORT and the like into the environment for a Service
  # of that name, and the server refuses settings that it does not know.
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # The delay, the draining, and 30 seconds for what is queued and the databases.
  terminationGracePeriodSeconds: {{ add .Values.drainDelaySeconds .Values.drainSeconds 35 }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: eventflow
      image: {{ include "eventflow.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [serve]
      ports:
        - name: http
          containerPort: 8080
      env: {{- include "eventflow.env" . | nindent 8 }}
      startupProbe: # migrations of a large database may take minutes
        httpGet: {{- include "eventflow.probe" (list . "/livez") | nindent 10 }}
        periodSeconds: 5
        failureThreshold: 120
      livenessProbe: # the process answers; asks no dependency
        httpGet: {{- include "eventflow.probe" (list . "/livez") | nindent 10 }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe: # its dependencies answer, in up to 3 seconds, and it is not draining
        httpGet: {{- include "eventflow.probe" (list . "/readyz") | nindent 10 }}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      resources: {{- toYaml .Values.resources | nindent 8 }}
      securityContext: {{- include "eventflow.restricted" . | nindent 8 }}
      volumeMounts:
        - name: secrets
          mountPath: /run/eventflow
          readOnly: true
        - name: tmp
          mountPath: /tmp
        {{- if eq .Values.storage "sqlite" }}
        - name: data
          mountPath: /var/lib/eventflow
        {{- end }}
        {{- if .Values.tls.secretName }}
        - name: tls
          mountPath: /run/tls
          readOnly: true
        {{- end }}
        {{- if .Values.database.caSecret }}
        - name: database-ca
          mountPath: /run/database-ca
          readOnly: true
        {{- end }}
  volumes:
    - name: secrets
      projected:
        defaultMode: 0440
        sources: {{- include "eventflow.secretSources" . | nindent 10 }}
    - name: tmp
      emptyDir:
        sizeLimit: 1Gi
    {{- with .Values.tls.secretName }}
    - name: tls
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
    {{- with .Values.database.caSecret }}
    - name: database-ca
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    {{- with .Values.topologySpreadConstraints }}{{ toYaml . | nindent 4 }}{{ else }}
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "eventflow.selector" $ | nindent 10 }}
          app.kubernetes.io/component: server
    {{- end }}
    {{- end }}
{{- end }}

{{- define "eventflow.probe" -}}
{{- $root := index . 0 -}}
path: {{ index . 1 }}
port: http
scheme: {{ ternary "HTTPS" "HTTP" (ne $root.Values.tls.secretName "") }}
{{- end }}

{{/* The environment: what the chart knows, then the other settings, then what is no setting. */}}
{{- define "eventflow.env" -}}
- { name: EVENTFLOW_ADDR, value: ":8080" }
- { name: EVENTFLOW_SECRET_FILE, value: /run/eventflow/secret }
- { name: EVENTFLOW_METRICS_TOKEN_FILE, value: /run/eventflow/metrics-token }
- { name: EVENTFLOW_DRAIN_DELAY, value: {{ printf "%ds" (int .Values.drainDelaySeconds) }} }
- { name: EVENTFLOW_DRAIN_TIMEOUT, value: {{ printf "%ds" (int .Values.drainSeconds) }} }
{{- if eq .Values.storage "sqlite" }}
- { name: EVENTFLOW_STORE, value: "sqlite:///var/lib/eventflow" }
{{- else }}
- name: EVENTFLOW_STORE # no file: the image sets this variable, and here it is replaced
  valueFrom:
    secretKeyRef:
      {{- if .Values.database.bundled.enabled }}
      name: {{ include "eventflow.name" . }}-postgres
      key: store
      {{- else }}
      name: {{ .Values.database.existingSecret }}
      key: {{ .Values.database.key }}
      {{- end }}
{{- with .Values.database.catalogKey }}
- name: EVENTFLOW_CATALOG
  valueFrom:
    secretKeyRef:
      name: {{ $.Values.database.existingSecret }}
      key: {{ . }}
{{- end }}
{{- end }}
{{- if or .Values.redis.existingSecret .Values.redis.bundled.enabled }}
- { name: EVENTFLOW_REDIS_FILE, value: /run/eventflow/redis }
{{- end }}
{{- if .Values.secrets.previous }}
- { name: EVENTFLOW_SECRET_PREVIOUS_FILE, value: /run/eventflow/secret-previous }
{{- end }}
{{- if .Values.secrets.smtp }}
- { name: EVENTFLOW_SMTP_FILE, value: /run/eventflow/smtp }
{{- end }}
{{- if .Values.secrets.archive }}
- { name: EVENTFLOW_ARCHIVE_SECRET_KEY_FILE, value: /run/eventflow/archive-secret-key }
{{- end }}
{{- if .Values.tls.secretName }}
- { name: EVENTFLOW_TLS_CERT, value: /run/tls/tls.crt }
- { name: EVENTFLOW_TLS_KEY, value: /run/tls/tls.key }
{{- end }}
{{- $settings := .Values.settings }}
{{- if and .Values.ingress.enabled (not (hasKey $settings "public-url")) }}
- { name: EVENTFLOW_PUBLIC_URL, value: {{ include "eventflow.publicURL" . | quote }} }
{{- end }}
{{- range $name, $value := $settings }}
- { name: EVENTFLOW_{{ $name | upper | replace "-" "_" }}, value: {{ include "eventflow.text" $value | quote }} }
{{- end }}
{{- range $name, $value := .Values.env }}
- { name: {{ $name }}, value: {{ include "eventflow.text" $value | quote }} }
{{- end }}
{{- end }}

{{/* A value as text. Helm reads 268435456 as a float, which prints as 2.68435456e+08. */}}
{{- define "eventflow.text" -}}
{{- if kindIs "float64" . }}{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* Most secrets become files: an environment ends up in crash reports. */}}
{{- define "eventflow.secretSources" -}}
- secret:
    name: {{ include "eventflow.secret" . }}
    items:
      - { key: secret, path: secret }
      - { key: metrics-token, path: metrics-token }
      {{- if .Values.secrets.previous }}
      - { key: secret-previous, path: secret-previous }
      {{- end }}
      {{- if .Values.secrets.smtp }}
      - { key: smtp, path: smtp }
      {{- end }}
      {{- if .Values.secrets.archive }}
      - { key: archive-secret-key, path: archive-secret-key }
      {{- end }}
{{- if .Values.redis.bundled.enabled }}
- secret:
    name: {{ include "eventflow.name" . }}-redis
    items:
      - { key: redis, path: redis }
{{- else if .Values.redis.existingSecret }}
- secret:
    name: {{ .Values.redis.existingSecret }}
    items:
      - { key: {{ .Values.redis.key }}, path: redis }
{{- end }}
{{- end }}
