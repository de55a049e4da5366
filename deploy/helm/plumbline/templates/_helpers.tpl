{{- define "plumbline.name" -}}
{{- contains "plumbline" .Release.Name | ternary .Release.Name (print .Release.Name "-plumbline") | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "plumbline.selector" -}}
app.kubernetes.io/name: plumbline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "plumbline.labels" -}}
{{ include "plumbline.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "plumbline.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "plumbline.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "plumbline.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{- define "plumbline.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "plumbline.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* A pod of the service or of a worker: call with root, component, args, container (what differs). */}}
{{- define "plumbline.pod" -}}
{{- $root := .root }}
{{- with $root }}
metadata:
  labels:
    {{- include "plumbline.labels" . | nindent 4 }}
    app.kubernetes.io/component: {{ $.component }}
    {{- with .Values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  annotations:
    checksum/config: {{ toYaml .Values.config | sha256sum }}
    {{- if eq $.component "service" }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8080"
    prometheus.io/path: /metrics
    {{- end }}
    {{- with .Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ include "plumbline.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 45
  securityContext:
    {{- include "plumbline.podSecurity" . | nindent 4 }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "plumbline.selector" . | nindent 10 }}
          app.kubernetes.io/component: {{ $.component }}
  containers:
    - name: {{ $.component }}
      image: {{ include "plumbline.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: {{ toJson $.args }}
      env:
        - name: PLUMBLINE_CONFIG
          value: /etc/plumbline/plumbline.yaml
        - name: PLUMBLINE_DATABASE_URL
          valueFrom:
            secretKeyRef:
              name: {{ .Values.database.secret }}
              key: {{ .Values.database.key }}
        {{- with .Values.extraEnv }}{{ toYaml . | nindent 8 }}{{ end }}
      securityContext:
        {{- include "plumbline.containerSecurity" . | nindent 8 }}
      {{- toYaml $.container | nindent 6 }}
      volumeMounts:
        - {name: config, mountPath: /etc/plumbline, readOnly: true}
        - {name: data, mountPath: /var/lib/plumbline}
        - {name: redaction-key, mountPath: /var/lib/plumbline/redaction.key, subPath: redaction.key, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- if .Values.secretFiles }}
        - {name: secrets, mountPath: /run/secrets/plumbline, readOnly: true}
        {{- end }}
  volumes:
    - name: config
      configMap:
        name: {{ include "plumbline.name" . }}
    - name: data
      {{- if .Values.dataClaim }}
      persistentVolumeClaim: {claimName: {{ .Values.dataClaim }}}
      {{- else }}
      emptyDir: {}
      {{- end }}
    - name: redaction-key
      secret:
        secretName: {{ .Values.redactionKey.secret }}
        defaultMode: 0440
    - name: tmp
      emptyDir: {}
    {{- with .Values.secretFiles }}
    - name: secrets
      secret:
        secretName: {{ . }}
        defaultMode: 0440
    {{- end }}
{{- end }}
{{- end }}
