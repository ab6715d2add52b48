{{/* A PostgreSQL or a Redis for trying: root, part, port, user, values. */}}
{{- define "eventflow.bundled" }}
{{- $name := printf "%s-%s" (include "eventflow.name" .root) .part }}
{{- $postgres := eq .part "postgres" }}
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  labels: {{- include "eventflow.labels" .root | nindent 4 }}
spec:
  clusterIP: None
  selector:
    {{- include "eventflow.selector" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .part }}
  ports:
    - { name: {{ .part }}, port: {{ .port }}, targetPort: {{ .part }} }
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  labels: {{- include "eventflow.labels" .root | nindent 4 }}
  annotations:
    eventflow.dev/for: trying, not for production
spec:
  replicas: 1
  serviceName: {{ $name }}
  selector:
    matchLabels:
      {{- include "eventflow.selector" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .part }}
  template:
    metadata:
      labels:
        {{- include "eventflow.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .part }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {{ .part }}
          image: {{ .values.image }}
          ports:
            - { name: {{ .part }}, containerPort: {{ .port }} }
          {{- if $postgres }}
          env:
            - { name: POSTGRES_USER, value: eventflow }
            - { name: POSTGRES_DB, value: eventflow }
            - { name: POSTGRES_PASSWORD_FILE, value: /run/password/password }
            - { name: PGDATA, value: /data/pgdata }
          {{- else }}
          args: [redis-server, --save, "", --appendonly, "no", --maxmemory-policy, noeviction]
          {{- end }}
          readinessProbe:
            {{- if $postgres }}
            exec:
              command: [pg_isready, -U, eventflow, -d, eventflow]
            {{- else }}
            exec:
              command: [redis-cli, ping]
            {{- end }}
            periodSeconds: 5
            timeoutSeconds: 5
          resources: {{- toYaml .values.resources | nindent 12 }}
          securityContext: {{- include "eventflow.restricted" .root | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            - { name: data, mountPath: /data }
            {{- if $postgres }}
            - { name: run, mountPath: /var/run/postgresql }
            - { name: password, mountPath: /run/password, readOnly: true }
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {}
        {{- if $postgres }}
        - name: run
          emptyDir: {}
        - name: password
          secret:
            secretName: {{ $name }}
            defaultMode: 0440
            items:
              - { key: password, path: password }
        {{- else }}
        - name: data
          emptyDir: {}
        {{- end }}
  {{- if $postgres }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        {{- with .values.storageClass }}
        storageClassName: {{ . }}
        {{- end }}
        resources:
          requests:
            storage: {{ .values.size }}
  {{- end }}
{{- end }}
