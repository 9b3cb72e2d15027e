{{/*
A Deployment and its disruption budget. Takes
  root        the chart's dot
  program     muster-server, muster-graphql, …: the image, and the job in Prometheus
  component   gateway, graphql, …: the last part of its name
  process     its values: replicas, resources, podAnnotations, nodeSelector, tolerations, affinity, priorityClassName
  args        arguments, if any
  account     its service account, and `token`: whether it may talk to the API server
  env         YAML of the container's `env`
  httpPort    where players or staff reach it; 0: nobody does
  opsPort     health and metrics
*/}}
{{- define "muster.process" -}}
{{- $values := .root.Values -}}
{{- $name := printf "%s-%s" (include "muster.fullname" .root) .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "muster.labels" . | nindent 4 }}
spec:
  {{- if not (kindIs "invalid" .process.replicas) }}
  replicas: {{ int .process.replicas }}
  {{- end }}
  progressDeadlineSeconds: 300
  revisionHistoryLimit: 3
  # One is replaced only when its successor is ready.
  strategy:
    type: RollingUpdate
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  selector:
    matchLabels:
      {{- include "muster.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "muster.podLabels" . | nindent 8 }}
      {{- with .process.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ .account }}
      automountServiceAccountToken: {{ .token }}
      # Services would be told as MUSTER_… variables, among settings.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add $values.drain.leaving $values.drain.grace 5 }}
      {{- with .process.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with include "muster.pullSecrets" .root }}
      {{- . | nindent 6 }}
      {{- end }}
      securityContext:
        {{- include "muster.podSecurity" . | nindent 8 }}
      topologySpreadConstraints:
        {{- range $values.spread.topologyKeys }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: {{ $values.spread.whenUnsatisfiable }}
          # Those that are being replaced do not count.
          matchLabelKeys: [pod-template-hash]
          labelSelector:
            matchLabels:
              {{- include "muster.selector" $ | nindent 14 }}
        {{- end }}
      {{- with .process.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .process.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .process.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .program }}
          image: {{ include "muster.image" . | quote }}
          imagePullPolicy: {{ $values.image.pullPolicy }}
          {{- with .args }}
          args: {{ toJson . }}
          {{- end }}
          env:
            {{- .env | trim | nindent 12 }}
          ports:
            {{- if .httpPort }}
            - { name: http, containerPort: {{ .httpPort }}, protocol: TCP }
            {{- end }}
            - { name: ops, containerPort: {{ .opsPort }}, protocol: TCP }
          startupProbe: { httpGet: { path: /livez, port: ops }, periodSeconds: 1, failureThreshold: 60, timeoutSeconds: 3 }
          livenessProbe: { httpGet: { path: /livez, port: ops }, periodSeconds: 10, failureThreshold: 3, timeoutSeconds: 3 }
          readinessProbe: { httpGet: { path: /readyz, port: ops }, periodSeconds: 2, failureThreshold: 2, timeoutSeconds: 3 }
          {{- if $values.drain.leaving }}
          lifecycle: { preStop: { sleep: { seconds: {{ int $values.drain.leaving }} } } }
          {{- end }}
          resources:
            {{- toYaml .process.resources | nindent 12 }}
          securityContext:
            {{- include "muster.containerSecurity" . | nindent 12 }}
{{- if $values.disruptionBudgets.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "muster.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "muster.selector" . | nindent 6 }}
{{- end }}
{{- end -}}

{{/* A Service for the players' or staff's port; takes root, program, component, service (its values), name. */}}
{{- define "muster.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "muster.labels" . | nindent 4 }}
  {{- with .service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .service.type }}
  selector:
    {{- include "muster.selector" . | nindent 4 }}
  ports:
    - { name: http, port: {{ int .service.port }}, targetPort: http, protocol: TCP }
{{- end -}}

{{- define "muster.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Both together are what the Pod Security Standard `restricted` asks for. The images name a user by number. */}}
{{- define "muster.podSecurity" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "muster.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
