{{/* What everything of a release is called: `muster`, or `RELEASE-muster` where the release's name does not say so. */}}
{{- define "muster.fullname" -}}
{{- if contains "muster" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-muster" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What a pod is chosen by; takes root, program, component. It never changes: selectors of Deployments cannot. */}}
{{- define "muster.selector" -}}
app.kubernetes.io/name: {{ .program }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "muster.common" -}}
app.kubernetes.io/part-of: muster
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Labels of what belongs to one process; takes what "muster.selector" takes. */}}
{{- define "muster.labels" -}}
{{ include "muster.selector" . }}
{{ include "muster.common" .root }}
{{- end -}}

{{/* Labels of its pods: none that a new version of the chart changes, or every process would be replaced by it. */}}
{{- define "muster.podLabels" -}}
{{ include "muster.selector" . }}
app.kubernetes.io/part-of: muster
{{- end -}}

{{/* Labels of what belongs to the whole release. */}}
{{- define "muster.releaseLabels" -}}
app.kubernetes.io/name: muster
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "muster.common" . }}
{{- end -}}

{{/* The image of a program; takes root, program. */}}
{{- define "muster.image" -}}
{{- $image := .root.Values.image -}}
{{- $tag := default .root.Chart.AppVersion $image.tag -}}
{{- if $image.registry -}}
{{- printf "%s/%s:%s" (trimSuffix "/" $image.registry) .program $tag -}}
{{- else -}}
{{- printf "%s:%s" .program $tag -}}
{{- end -}}
{{- end -}}
