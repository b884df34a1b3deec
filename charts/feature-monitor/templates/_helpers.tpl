{{/* Name of everything that the chart makes but the CRD. 53 characters and "-operator" fit into a label's 63. */}}
{{- define "feature-monitor.name" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else }}
{{- $name := .Release.Name }}
{{- if not (contains .Chart.Name $name) }}
{{- $name = printf "%s-%s" $name .Chart.Name }}
{{- end }}
{{- printf "%s-operator" ($name | trunc 53 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{- define "feature-monitor.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "feature-monitor.name" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* A Deployment's selector cannot change: only what stays the same over upgrades. */}}
{{- define "feature-monitor.selector" -}}
app.kubernetes.io/name: feature-monitor-operator
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* The labels of everything. Ours win over the values' labels: a selector must not be talked away. */}}
{{- define "feature-monitor.labels" -}}
{{- $ours := include "feature-monitor.selector" . | fromYaml }}
{{- $ours = merge $ours (dict
  "app.kubernetes.io/component" "operator"
  "app.kubernetes.io/part-of" "feature-monitor"
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_"))) }}
{{- merge $ours .Values.labels | toYaml }}
{{- end }}

{{/* Metadata of a namespaced object of the chart, less its name: namespace, labels, annotations. */}}
{{- define "feature-monitor.metadata" -}}
namespace: {{ .Release.Namespace | quote }}
{{ include "feature-monitor.metadata.cluster" . }}
{{- end }}

{{/* Metadata of a cluster-wide object, less its name. */}}
{{- define "feature-monitor.metadata.cluster" -}}
labels:
  {{- include "feature-monitor.labels" . | nindent 2 }}
{{- with .Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* An image's reference. Takes {image, chart}. */}}
{{- define "feature-monitor.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (.image.tag | default .chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The operator's pods as a NetworkPolicy peer, from any namespace. */}}
{{- define "feature-monitor.peer" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Release.Namespace | quote }}
podSelector:
  matchLabels:
    {{- include "feature-monitor.selector" . | nindent 4 }}
{{- end }}

{{/*
The settings file of the operator: what it makes for each FeatureMonitor.
A user or group that is null is written so: left out, the operator would take its own default.
*/}}
{{- define "feature-monitor.settings" -}}
{{- $exporter := .Values.exporter -}}
exporter:
  image: {{ include "feature-monitor.image" (dict "image" $exporter.image "chart" .Chart) | quote }}
  imagePullPolicy: {{ $exporter.image.pullPolicy }}
  imagePullSecrets:
    {{- range $exporter.imagePullSecrets }}
    - {{ .name | quote }}
    {{- else }} []
    {{- end }}
  logFormat: {{ $exporter.log.format }}
  runAsUser: {{ include "feature-monitor.id" .Values.runAsUser }}
  fsGroup: {{ include "feature-monitor.id" .Values.fsGroup }}
  resources:
    {{- toYaml $exporter.resources | nindent 4 }}
  podLabels:
    {{- toYaml $exporter.podLabels | nindent 4 }}
  podAnnotations:
    {{- toYaml $exporter.podAnnotations | nindent 4 }}
networkPolicy:
  enabled: {{ $exporter.networkPolicy.enabled }}
  {{- with $exporter.networkPolicy.from }}
  from:
    {{- toYaml . | nindent 4 }}
    # The operator asks each exporter for its status.
    - {{ include "feature-monitor.peer" $ | nindent 6 | trim }}
  {{- else }}
  from: []
  {{- end }}
serviceMonitor:
  enabled: {{ $exporter.serviceMonitor.enabled }}
  interval: {{ $exporter.serviceMonitor.interval | quote }}
prometheusRule:
  enabled: {{ $exporter.prometheusRule.enabled }}
  interval: {{ $exporter.prometheusRule.interval | quote }}
alertmanagerConfig:
  enabled: {{ $exporter.alertmanagerConfig.enabled }}
links:
  grafana: {{ .Values.links.grafana | quote }}
  runbooks: {{ .Values.links.runbooks | quote }}
labels:
  {{- toYaml .Values.integrations.labels | nindent 2 }}
{{- end }}

{{/* A user or group. A plain number would be printed as 1.00068e+09. */}}
{{- define "feature-monitor.id" -}}
{{- if kindIs "invalid" . }}null{{ else }}{{ int64 . }}{{ end }}
{{- end }}

{{/*
What the operator may do where it watches, and nothing that it does not do. docs/permissions.md says why of each;
a test holds that there is no `*` and nothing about Secrets.
*/}}
{{- define "feature-monitor.rules" -}}
# What it is told, and where it answers.
- apiGroups: [featuremonitor.io]
  resources: [featuremonitors]
  verbs: [list, watch]
- apiGroups: [featuremonitor.io]
  resources: [featuremonitors/status]
  verbs: [patch]
# What it makes for each FeatureMonitor. It deletes only what a FeatureMonitor can switch off; the rest goes with
# its owner.
- apiGroups: [""]
  resources: [configmaps, serviceaccounts, services]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [alertmanagerconfigs, prometheusrules, servicemonitors]
  verbs: [get, list, watch, create, patch, delete]
# Why a pod does not start is said by the pod, not by its Deployment.
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# What the Prometheus Operator refuses, it says in an event.
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch]
# What it says about a FeatureMonitor.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}
