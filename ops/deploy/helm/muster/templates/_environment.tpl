{{/* Settings as every program has them; takes root, opsPort. YAML of a map, for fromYaml. */}}
{{- define "muster.settings.common" -}}
{{- $values := .root.Values -}}
MUSTER__LOG__ENVIRONMENT: {{ $values.log.environment | quote }}
MUSTER__LOG__FILTER: {{ $values.log.filter | quote }}
MUSTER__OPS__LISTEN: "0.0.0.0:{{ int .opsPort }}"
MUSTER__SHUTDOWN__GRACE: "{{ int $values.drain.grace }}s"
{{- if $values.traces.otlpEndpoint }}
MUSTER__TRACES__OTLP_ENDPOINT: {{ $values.traces.otlpEndpoint | quote }}
MUSTER__TRACES__SAMPLE_RATIO: {{ $values.traces.sampleRatio | quote }}
{{- end }}
{{- end -}}

{{/* What those that use the stores have besides; takes root. */}}
{{- define "muster.settings.stores" -}}
{{- if .root.Values.services.prefix }}
MUSTER__NAMESPACE__PREFIX: {{ .root.Values.services.prefix | quote }}
{{- end }}
{{- end -}}

{{/* Secrets that every program has; takes root. YAML of a map of { secret, key }. */}}
{{- define "muster.secrets.common" -}}
{{- if .root.Values.loki }}
MUSTER__LOKI__URL: {{ toJson .root.Values.loki }}
{{- end }}
{{- end -}}

{{/* Secrets of those that use the stores; takes root. */}}
{{- define "muster.secrets.stores" -}}
MUSTER__NATS__URL: {{ toJson .root.Values.services.nats }}
MUSTER__POSTGRES__URL: {{ toJson .root.Values.services.postgres }}
MUSTER__REDIS__URL: {{ toJson .root.Values.services.redis }}
{{- end -}}

{{/* The `env` of a container; takes settings (a map of texts) and secrets (a map of { secret, key, optional }). */}}
{{- define "muster.env" -}}
{{- $secrets := .secrets -}}
{{- range $name, $value := .settings }}
{{- if hasKey $secrets $name }}
{{- fail (printf "%s is set twice, in env and in secretEnv" $name) }}
{{- end }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $name, $from := $secrets }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $from.secret }}
      key: {{ $from.key }}
      {{- if $from.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end -}}
