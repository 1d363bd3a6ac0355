{{- define "lockstep.name" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains "lockstep" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-lockstep" .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lockstep.selector" -}}
app.kubernetes.io/name: lockstep
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lockstep.labels" -}}
{{ include "lockstep.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "lockstep.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}
{{- else }}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* Without rights, root or a writable file system. */}}
{{- define "lockstep.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "lockstep.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- /* A value as the program reads it. Helm reads every number of a values file as a float, and would write
a GitHub App's id as 1.234567e+06. */}}
{{- define "lockstep.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}
{{- else }}{{ toString . }}
{{- end }}
{{- end }}

{{- /* Secrets come as files; a change of a Secret reaches a process when it is started again. */}}
{{- define "lockstep.env" -}}
{{- range $name := keys .Values.secrets | sortAlpha }}
- name: LOCKSTEP_{{ $name }}_FILE
  value: /run/secrets/lockstep/{{ $name }}
{{- end }}
{{- range $name, $value := .Values.config }}
- name: LOCKSTEP_{{ $name }}
  value: {{ include "lockstep.text" $value | quote }}
{{- end }}
{{- end }}

{{- define "lockstep.volumes" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range $name, $from := .Values.secrets }}
      - secret:
          name: {{ $from.name }}
          items:
            - { key: {{ $from.key | quote }}, path: {{ $name }} }
      {{- end }}
{{- end }}

{{- define "lockstep.mounts" -}}
- name: secrets
  mountPath: /run/secrets/lockstep
  readOnly: true
{{- end }}

{{- /* A deployment of one role. Takes: root, role, values, ports. */}}
{{- define "lockstep.deployment" -}}
{{- $root := .root }}
{{- $name := printf "%s-%s" (include "lockstep.name" $root) .role }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "lockstep.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
spec:
  {{- if not (dig "autoscaling" "enabled" false .values) }}
  replicas: {{ .values.replicas }}
  {{- end }}
  strategy:
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  selector:
    matchLabels:
      {{- include "lockstep.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ .role }}
  template:
    metadata:
      labels:
        {{- include "lockstep.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .role }}
      {{- with .values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      # LOCKSTEP_… belongs to the program, not to Services that happen to be named like it.
      enableServiceLinks: false
      # SIGTERM is answered within 20 s.
      terminationGracePeriodSeconds: 35
      securityContext: {{- include "lockstep.podSecurity" $root | nindent 8 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "lockstep.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ .role }}
      containers:
        - name: lockstep
          image: {{ include "lockstep.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [serve, --role, {{ .role }}]
          env: {{- include "lockstep.env" $root | nindent 12 }}
          ports:
            {{- range $port, $number := .ports }}
            - { name: {{ $port }}, containerPort: {{ $number }} }
            {{- end }}
          # A replica counts only once PostgreSQL and Redis answered it: one with a wrong URL never takes a good
          # one's place. Later their loss takes no replica away: without Redis the host API still accepts changes.
          startupProbe:
            httpGet: { path: /readyz, port: internal }
            periodSeconds: 3
            timeoutSeconds: 6
            failureThreshold: 100
          readinessProbe:
            httpGet: { path: /healthz, port: internal }
            periodSeconds: 5
            timeoutSeconds: 3
          livenessProbe:
            httpGet: { path: /healthz, port: internal }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          lifecycle:
            # Until everybody has heard that this address is gone.
            preStop: { sleep: { seconds: 5 } }
          resources: {{- toYaml .values.resources | nindent 12 }}
          securityContext: {{- include "lockstep.containerSecurity" $root | nindent 12 }}
          volumeMounts: {{- include "lockstep.mounts" $root | nindent 12 }}
      volumes: {{- include "lockstep.volumes" $root | nindent 8 }}
{{- end }}
