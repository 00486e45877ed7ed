# SPDX-License-Identifier: Apache-2.0
#
# The only makefile.  Each folder's module.mk names its files; this one knows how.
# `make help` lists targets and knobs.

MAKEFLAGS	+= --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL	:= all
SHELL		:= /bin/sh

VERSION		:= $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog 2>/dev/null)
prefix		?= /usr
sysconfdir	?= /etc
bindir		?= $(prefix)/bin
sbindir		?= $(prefix)/sbin
libexecdir	?= $(prefix)/libexec/mcpgw
datadir		?= $(prefix)/share/mcpgw
mandir		?= $(prefix)/share/man
unitdir		?= $(prefix)/lib/systemd/system
userunitdir	?= $(prefix)/lib/systemd/user
sysusersdir	?= $(prefix)/lib/sysusers.d
tmpfilesdir	?= $(prefix)/lib/tmpfiles.d

# ---- flavours and knobs ---------------------------------------------------------------------------
CC		?= cc
# libFuzzer is clang's: `make fuzz` has objects of its own.
ifneq ($(filter fuzz,$(MAKECMDGOALS)),)
FUZZING		:= yes
CC		:= clang
SAN		?= address,undefined
BUILD		?= build-fuzz
endif
ifeq ($(origin CC),default)
CC		:= gcc
endif
ifeq ($(shell command -v $(firstword $(CC))),)
ifneq ($(filter-out help deps deps-build demo check clean,$(or $(MAKECMDGOALS),all)),)
$(error $(firstword $(CC)) is not installed; run "make deps", as root, once)
endif
endif
AR		:= ar
comma		:= ,
BUILD		?= build$(if $(SAN),-$(subst $(comma),-,$(SAN)))$(if $(COV),-cov)
CFLAGS		?= -O2 -g
OUR_CPPFLAGS	:= -I. -I$(BUILD)/gen -D_GNU_SOURCE -DMCPGW_VERSION='"$(VERSION)"'
OUR_CFLAGS	:= -std=gnu11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
		   -Wmissing-prototypes -Wno-sign-conversion -Wno-missing-field-initializers \
		   -fno-strict-aliasing -fstack-protector-strong -fPIE \
		   -ffile-prefix-map=$(CURDIR)=.
OUR_LDFLAGS	:= -pie -Wl,-z,relro,-z,now
ifdef DEVELOPER
OUR_CFLAGS	+= -Werror
endif
ifdef SAN
OUR_CFLAGS	+= -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
OUR_LDFLAGS	+= -fsanitize=$(SAN)
OUR_CPPFLAGS	+= -DMCPGW_SANITIZED
endif
ifdef COV
OUR_CFLAGS	+= --coverage
OUR_LDFLAGS	+= --coverage
endif
# What is installed is inlined across files; test programs link the same objects without, for the time it
# takes.  gcc only: clang's needs a linker of its own.
ifeq ($(SAN)$(COV)$(FUZZING),)
LTO		?= $(shell $(CC) -v 2>&1 | grep -q '^gcc version' && echo auto)
endif
ifneq ($(LTO),)
LTO_CFLAGS	:= -flto=$(LTO) -ffat-lto-objects
LTO_LDFLAGS	:= -flto=$(LTO)
NO_LTO		:= -fno-lto
endif
ifdef V
Q		:=
else
Q		:= @
endif
say		= $(if $(Q),@printf '  %-7s %s\n' "$(1)" "$(2)")

# ---- what a module.mk may say ---------------------------------------------------------------------
# $(call archive,FOLDER,FILES)                   an .a of that folder's own files
# $(call program,PATH,FOLDER,FILES,FOLDERS,LIBS) a program of FOLDER/FILES, linked with the archives
#                                                of FOLDERS (highest rank first) and -l LIBS
# $(call unit,FOLDER,FOLDERS,LIBS)               tests/unit/FOLDER/test_*.c as one Criterion binary
# $(call fuzzer,NAME,FOLDERS,LIBS)               fuzz/fuzz_NAME.c: libFuzzer, or replay in check
# $(call integration,NAMES,LIBS)                 tests/integration/NAME.c over tests/harness
# $(call check,PROGRAM)                          a TAP program below $(BUILD) that `make check` runs
objects		= $(patsubst %.c,$(BUILD)/%.o,$(addprefix $(1)/,$(2)))
archives	= $(foreach f,$(1),$(BUILD)/$(f)/lib$(notdir $(f)).a)
PROGRAMS	:=
UNITS		:=
FUZZERS		:=
INTEGRATION	:=
CHECKS		:=
OBJECTS		:=

define archive_rule
OBJECTS += $(call objects,$(1),$(2))
$(BUILD)/$(1)/lib$(notdir $(1)).a: $(call objects,$(1),$(2))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
archive		= $(eval $(call archive_rule,$(1),$(2)))

SANITIZER	:= $(if $(SAN),$(BUILD)/tests/harness/sanitizer.o)
SANITIZER_UNIT	:= $(if $(SAN),$(BUILD)/tests/harness/sanitizer_unit.o)
define program_rule
PROGRAMS += $(BUILD)/$(1)
OBJECTS += $(call objects,$(2),$(3))
$(BUILD)/$(1): $(call objects,$(2),$(3)) $(SANITIZER) $(call archives,$(4))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	+$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(LTO_LDFLAGS) $$(LDFLAGS) -o $$@ $(call objects,$(2),$(3)) \
	    $(SANITIZER) $(call archives,$(4)) $(addprefix -l,$(5))
endef
# Tools run in a jail whose limits no sanitizer survives: they come from a plain build within this one.
TOOLS		:=
define tool_rule
PROGRAMS += $(BUILD)/$(1)
TOOLS += $(1)
$(BUILD)/$(1): plain-tools
	$$(Q)mkdir -p $$(@D) && cp -u $(BUILD)/plain/$(1) $$@
endef
.PHONY: plain-tools
plain-tools:
	+$(Q)$(MAKE) --no-print-directory SAN= BUILD=$(BUILD)/plain $(TOOLS:%=$(BUILD)/plain/%)

rule_for	= $(if $(and $(SAN),$(filter demo/% tests/% libexec/mcpgw/mcpgw-selftest%,$(1))),tool_rule,program_rule)
program		= $(eval $(call $(call rule_for,$(1)),$(1),$(2),$(3),$(4),$(5)))

define unit_rule
UNITS += $(BUILD)/tests/unit/$(1)/unit
OBJECTS += $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/unit/$(1)/*.c)))
$(BUILD)/tests/unit/$(1)/unit: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/unit/$(1)/*.c))) \
    $(SANITIZER_UNIT) $(call archives,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $(SANITIZER_UNIT) \
	    $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/unit/$(1)/*.c))) $(call archives,$(2)) \
	    $(addprefix -l,$(3)) -lcriterion
.PHONY: unit-$(subst /,-,$(1))
unit-$(subst /,-,$(1)): $(BUILD)/tests/unit/$(1)/unit
	$$(Q)$$< --jobs 2
endef
unit		= $(eval $(call unit_rule,$(1),$(2),$(3)))

define fuzzer_rule
FUZZERS += $(1)
OBJECTS += $(BUILD)/fuzz/fuzz_$(1).o
$(BUILD)/fuzz/replay_$(1): $(BUILD)/fuzz/fuzz_$(1).o $(BUILD)/fuzz/replay.o $(call archives,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $(BUILD)/fuzz/fuzz_$(1).o \
	    $(BUILD)/fuzz/replay.o $(call archives,$(2)) $(addprefix -l,$(3))
$(BUILD)/fuzz/fuzz_$(1): $(BUILD)/fuzz/fuzz_$(1).o $(call archives,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ \
	    $(BUILD)/fuzz/fuzz_$(1).o $(call archives,$(2)) $(addprefix -l,$(3))
endef
fuzzer		= $(eval $(call fuzzer_rule,$(1),$(2),$(3)))

define integration_rule
INTEGRATION += $(BUILD)/tests/integration/$(1)
OBJECTS += $(BUILD)/tests/integration/$(1).o
$(BUILD)/tests/integration/$(1): $(BUILD)/tests/integration/$(1).o $(BUILD)/tests/harness/libharness.a \
    $(SANITIZER_UNIT) $(call archives,auth policy lib)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) \
	    $(addprefix -l,$(2)) -lcriterion
endef
integration	= $(foreach n,$(1),$(eval $(call integration_rule,$(n),$(2))))

check		= $(eval CHECKS += $(BUILD)/$(1))

MODULES		:= $(sort $(shell find . -name module.mk -not -path './build*' -not -path '*/node_modules/*'))
include $(MODULES)

REPLAYS		:= $(FUZZERS:%=$(BUILD)/fuzz/replay_%)
MANPAGES	:= $(patsubst man/%,$(BUILD)/man/%,$(patsubst %.in,%,$(sort $(wildcard man/*.[1-8] man/*.[1-8].in))))

# ---- compiling ------------------------------------------------------------------------------------
$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(LTO_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Criterion's macros assign int to a one-bit field.
$(BUILD)/tests/%.o: OUR_CFLAGS += -Wno-conversion
$(BUILD)/tests/%.o $(BUILD)/fuzz/%.o: LTO_CFLAGS :=

ifdef FUZZING
OUR_CFLAGS	+= -fsanitize=fuzzer-no-link
endif

-include $(OBJECTS:.o=.d) $(BUILD)/fuzz/replay.d

# ---- pages ----------------------------------------------------------------------------------------
$(BUILD)/man/%: man/%
	$(Q)mkdir -p $(@D) && cp $< $@

$(BUILD)/man/%: man/%.in $(wildcard tables/*.def) sandbox/seccomp.h tools/man-table
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)tools/man-table $< >$@

# ---- targets --------------------------------------------------------------------------------------
.PHONY: all help deps deps-build demo check check-all check-unit check-property check-limits check-fuzz \
	check-lint check-man check-install check-systemd check-integration check-fault fault soak check-floods \
	check-peers check-conformance conformance-table orphans jail-table jail-figures lint format format-check \
	bench bench-jails bench-idle bench-rules noisy fair fuzz man install users run deb clean
export BUILD

# all: build every program
all: $(PROGRAMS)

# help: this list
help:
	@echo 'Targets:'
	@sed -n 's/^# \([a-z][a-z-]*\): \(.*\)/  \1	\2/p' Makefile | expand -t 22
	@echo 'Knobs:'
	@echo '  SAN=address,undefined   with sanitizers, in build-address-undefined/'
	@echo '  DEVELOPER=1             warnings are errors        V=1   show the commands'
	@echo '  LTO=                    without link-time optimization: builds faster, runs slower'
	@echo '  TESTS=PATTERN           only these Criterion tests CHECK_STRICT=1   a skip is a failure'
	@echo '  DESTDIR= prefix=        for install                CC= CFLAGS= CPPFLAGS= LDFLAGS='

# deps: install the Debian packages that building and testing need
deps:
	$(Q)tools/deps build test

# deps-build: only those that building and the demo need
deps-build:
	$(Q)tools/deps build

# demo: an allowed call, a denied call, a reload, the audit
demo:
	$(Q)tools/deps build
	+$(Q)$(MAKE) --no-print-directory all
	$(Q)demo/run $(BUILD)

# run: the gateway from the build tree, in the foreground, in a folder that is thrown away
run: all
	$(Q)tools/run

# check: all tests, after installing what they need
check:
	$(Q)tools/deps build test
	+$(Q)$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) check-all

# What takes longest comes first, as programs run side by side.  Of the conformance suite's cells those that differ
# most; check-conformance runs them all.
CELLS		:= w4/stdio/* w1/http/both/* client/*
check-all: all man $(UNITS) $(REPLAYS) $(INTEGRATION) $(FAULTS) $(CHECKS)
	$(Q)CONFORMANCE_CELLS='$(CELLS)' tests/run tap:tests/conformance/run tap:tests/peers/run \
	    $(FAULTS:%=integration:%) $(INTEGRATION:%=integration:%) tap:tests/soak/run $(CHECKS:%=tap:%) \
	    $(UNITS:%=unit:%) $(REPLAYS:%=tap:%) \
	    tap:tools/check-install tap:tests/man/run tap:tests/systemd/run tap:tools/lint

# check-unit: unit tests
check-unit: $(UNITS)
	$(Q)tests/run $(UNITS:%=unit:%)

# check-property: decisions over a million random cases, or CASES=n, of SEED=n
check-property: $(BUILD)/tests/unit/compiler/unit
	$(Q)CASES=$(or $(CASES),1000000) SEED=$(or $(SEED),1) TESTS='property/*' tests/run unit:$<

# check-limits: what eight workers admit while they are killed one after the other, 200 times or RUNS=n
check-limits: all $(BUILD)/tests/integration/c2_limits
	$(Q)RUNS=$(or $(RUNS),200) $(BUILD)/tests/integration/c2_limits --verbose

# check-fuzz: every fuzz target over its corpus
check-fuzz: $(REPLAYS)
	$(Q)tests/run $(REPLAYS:%=tap:%)

# check-man: the manual pages: mandoc, references, and their examples
check-man: all man
	$(Q)tests/run tap:tests/man/run

# check-lint: the rules of the house (ranks, homes, link lines, files, pages)
check-lint: all man
	$(Q)tests/run tap:tools/lint

# check-install: an installed tree against etc/manifest
check-install: all man
	$(Q)tests/run tap:tools/check-install

# check-systemd: the unit under a real systemd (root)
check-systemd: all man
	$(Q)tests/run tap:tests/systemd/run

# check-integration: real processes, real sockets
check-integration: all $(INTEGRATION) $(CHECKS)
	$(Q)tests/run $(CHECKS:%=tap:%) $(INTEGRATION:%=integration:%)

# check-fault: faults under load, for some seconds each
check-fault: all $(FAULTS)
	$(Q)tests/run $(FAULTS:%=integration:%)

# fault: faults at random times under load, and whether the promises held; SEED=, TIME= (600), FAULT=F1,F7
fault: all $(BUILD)/tests/fault/run
	$(Q)SEED='$(SEED)' TIME='$(or $(TIME),600)' FAULT='$(FAULT)' $(BUILD)/tests/fault/run --jobs 1 --verbose

# soak: an hour of load, reloads and restarts, or TIME=seconds; no process may grow
soak: all $(BUILD)/tests/fault/soak
	$(Q)TIME='$(or $(TIME),3600)' SEED='$(SEED)' $(BUILD)/tests/fault/soak --jobs 1 --verbose

# check-peers: official MCP clients and servers (node, npm)
check-peers: all
	$(Q)tests/run tap:tests/peers/run

# check-conformance: the official conformance suite, as client and as server (node, npm)
check-conformance: all
	$(Q)tests/run tap:tests/conformance/run

# conformance-table: the same as docs/conformance.md, with other gateways beside it
conformance-table: all
	$(Q)tests/conformance/run --table >$(BUILD)/conformance.md
	$(Q)cp $(BUILD)/conformance.md docs/conformance.md

# orphans: 10,000 abandoned sessions, fork bombs, daemons, kill -9 of each process: what is left (node)
orphans: all
	$(Q)SOAK_SESSIONS=10000 tests/soak/run

# jail-table: what sessions, daemons, forks and kill -9 leave of us and of others, into docs/jail.md (node, npm)
jail-table: all
	$(Q)SOAK_SESSIONS=1000 tests/soak/run --table='$(abspath $(BUILD))/jail-table.md' mcpgw supergateway mcp-proxy \
	    mcp-hub
	$(Q)tools/doc-block docs/jail.md orphans <$(BUILD)/jail-table.md

# jail-figures: bench-jails and noisy, into docs/jail.md
jail-figures: all
	$(Q)bench/jails >$(BUILD)/bench-jails.txt
	$(Q)tools/doc-block docs/jail.md jails pre <$(BUILD)/bench-jails.txt
	$(Q)bench/noisy >$(BUILD)/noisy.txt
	$(Q)tools/doc-block docs/jail.md noisy pre <$(BUILD)/noisy.txt

# lint: check-lint, then cppcheck and clang-tidy
lint: all man
	$(Q)tests/run tap:tools/lint
	$(Q)tools/analyse

# format: trailing blanks, indentation, last lines
format:
	$(Q)tools/format
# format-check: the same, saying only
format-check:
	$(Q)tools/format -n

# bench: the hop beside nginx
bench: all
	$(Q)bench/run

# fair: what one tenant's calls cost beside another that asks a hundred times its share
fair: all
	$(Q)bench/fair

# bench-jails: what a jail costs by its layers, how many in a second, the first call of a server that does not run
bench-jails: all
	$(Q)bench/jails

# bench-rules: what a decision takes, by how many rules there are
bench-rules: all
	$(Q)$(BUILD)/bench/bench-rules

# bench-idle: how long a gateway takes to start, and what it costs when nobody uses it
bench-idle: all
	$(Q)bench/idle

# noisy: a call's latency beside a tool of another principal that floods, hangs, lies or spins
noisy: all
	$(Q)bench/noisy

# check-floods: what others pay beside floods of clients, and what the processes hold; f7_floods is its short form
check-floods: all
	$(Q)bench/floods

# fuzz: each fuzz target for TIME seconds (600), FUZZ=NAME some of them; needs clang and libclang-rt-14-dev
FUZZ		?= $(FUZZERS)
fuzz: $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)
	$(Q)BUILD='$(BUILD)' fuzz/run $(or $(TIME),600) $(FUZZ)

# man: manual pages, with their tables
man: $(MANPAGES)

# install: into DESTDIR and prefix, as etc/manifest says
install: all man
	$(Q)BUILD='$(BUILD)' DESTDIR='$(DESTDIR)' tools/install bindir=$(bindir) sbindir=$(sbindir) \
	    libexecdir=$(libexecdir) datadir=$(datadir) mandir=$(mandir) sysconfdir=$(sysconfdir) \
	    unitdir=$(unitdir) userunitdir=$(userunitdir) sysusersdir=$(sysusersdir) tmpfilesdir=$(tmpfilesdir)

# users: the users and groups of the service (as root), with systemd or without
users:
	$(Q)tools/users

# deb: Debian packages, beside this folder
deb:
	dpkg-buildpackage -us -uc -b

# clean: all that was built
clean:
	rm -rf build build-*
