# What you can do here. `make help` prints this list.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export GOTOOLCHAIN := local
# gRPC comes with Google's clients though nothing here speaks it; its tracing pages would make the binary several times larger
# (docs/decisions/0004-google-clients.md).
export GOFLAGS := -tags=grpcnotrace
# Nothing here needs C: the programs are static, and what tests compile is what ships.
export CGO_ENABLED := 0

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
VENV := .venv
MOTO := moto[server]==5.2.5
OIDC := oidc-provider-mock==0.3.4
SMTPD := aiosmtpd==1.4.6
# What validates the formats of evidence packages.
TRESTLE := compliance-trestle==5.2.0
OCSF := py-ocsf-models==0.10.0
# What validates CloudFormation templates.
CFNLINT := cfn-lint==1.58.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DEPGUARD := github.com/OpenPeeDeeP/depguard/v2/cmd/depguard@v2.3.0
# Everything that builds without a cloud SDK: the daily loop.
FAST := ./pkg/posture/... ./pkg/derive/... ./pkg/rule/... ./pkg/drift/... ./pkg/ledger/... ./pkg/embedpg/... ./pkg/store/... ./pkg/simcloud/world/... ./rules/... ./collectors ./collectors/transport/... ./collectors/aws/schema/... ./collectors/gcp/schema/... ./collectors/gcp/rest/... ./collectors/azure/schema/... ./collectors/azure/rest/...

.PHONY: help
help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## build bin/plumbline (the first time about 3 minutes, most of it the AWS SDK)
	@mkdir -p bin
	@echo "building bin/plumbline; with an empty cache the AWS SDK takes about 3 minutes" >&2
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/plumbline ./cmd/plumbline
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/plumbline-verify ./cmd/plumbline-verify

.PHONY: demo
demo: build postgres ## scan 90 days of simulated accounts, print the posture, serve the pages
	bin/plumbline demo

.PHONY: test
test: postgres chromium axe venv ## run every test (needs nothing set up; about 10 minutes on 2 cores with empty caches)
	PLUMBLINE_MOTO=$(CURDIR)/$(VENV)/bin/moto_server PLUMBLINE_OIDC=$(CURDIR)/$(VENV)/bin/oidc-provider-mock PLUMBLINE_PYTHON=$(CURDIR)/$(VENV)/bin/python go test -timeout 20m ./...

.PHONY: test-fast
test-fast: postgres ## run the tests that need no cloud SDK
	go test $(FAST)

.PHONY: test-long
test-long: postgres chromium axe venv ## run every test over all ticks and all faults, and fuzz for a minute each
	PLUMBLINE_LONG=1 PLUMBLINE_MOTO=$(CURDIR)/$(VENV)/bin/moto_server PLUMBLINE_OIDC=$(CURDIR)/$(VENV)/bin/oidc-provider-mock PLUMBLINE_PYTHON=$(CURDIR)/$(VENV)/bin/python go test -timeout 80m ./...
	go test ./pkg/derive/iampolicy -run '^$$' -fuzz FuzzParse -fuzztime 60s
	go test ./pkg/derive/logfilter -run '^$$' -fuzz Fuzz -fuzztime 60s
	for f in FuzzUnpack FuzzRows FuzzEnvelope FuzzTypes; do go test ./pkg/evidence -run '^$$' -fuzz "^$$f\$$" -fuzztime 60s; done
	for f in FuzzOpenCheckpoint FuzzParseCheckpoint; do go test ./pkg/ledger -run '^$$' -fuzz "^$$f\$$" -fuzztime 60s; done

.PHONY: check
check: format vet lint generated deploy-check ## format, vet, lint, generated files unchanged, what deploy/ ships

.PHONY: format
format: ## fail when a file is not formatted
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not formatted (gofmt -w):"; echo "$$bad"; exit 1; }

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
lint: ## imports point one way; staticcheck
	go run $(DEPGUARD) ./...
	go run $(STATICCHECK) ./...

.PHONY: generate
generate: ## write the generated files anew
	go generate ./...

.PHONY: generated
generated: ## fail when a generated file differs from what is committed
	@before=$$(git diff HEAD | sha256sum); go generate ./... ; \
	[ "$$before" = "$$(git diff HEAD | sha256sum)" ] && [ -z "$$(git ls-files --others --exclude-standard)" ] || { echo "generated files are out of date: run make generate and commit"; git status --short; exit 1; }

.PHONY: deploy-check
deploy-check: ## hold chart, compose file, image, Terraform, units, alerts and release against the tools that read them
	@./deploy/scripts/promtool.sh
	@./deploy/scripts/systemd.sh
	GOFLAGS= go -C deploy/check vet ./...
	GOFLAGS= go -C deploy/check test -timeout 30m ./...
	VERSION=check PLATFORMS=linux/amd64 PROGRAMS=plumbline-verify DIST=.cache/release ./deploy/scripts/release.sh

.PHONY: release
release: ## make binaries, lists of what they are made of, and checksums in dist/, and make them again to compare (half an hour)
	./deploy/scripts/release.sh

.PHONY: bench
bench: postgres ## print the ratios of docs/benchmarks.md
	./deploy/scripts/bench.sh

.PHONY: postgres
postgres: ## install PostgreSQL server binaries where none are found (Debian and Ubuntu, as root)
	@./deploy/scripts/postgres.sh

.PHONY: chromium
chromium: ## install Chromium for the browser tests where it is missing (Debian, as root)
	@./deploy/scripts/chromium.sh

.PHONY: axe
axe: ## fetch axe-core from npm for the browser tests, into .cache
	@./deploy/scripts/axe.sh

.PHONY: screenshots
screenshots: postgres chromium axe ## take a picture of every page in light, dark, phone and print into screenshots/
	@mkdir -p screenshots
	PLUMBLINE_SCREENSHOTS=$(CURDIR)/screenshots go test ./pkg/web/pages -count 1 -run TestScreenshots

.PHONY: venv
venv: $(VENV)/bin/moto_server ## servers from PyPI that tests talk to, in .venv

$(VENV)/bin/moto_server: Makefile
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check '$(MOTO)' '$(OIDC)' '$(SMTPD)' '$(TRESTLE)' '$(OCSF)' '$(CFNLINT)'
	@touch $@

.PHONY: clean
clean: ## remove what the targets made
	rm -rf bin dist .cache $(VENV)
