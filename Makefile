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
libexecdir	?= $(prefix)/libexec/mcpgw
mandir		?= $(prefix)/share/man

# ---- flavours and knobs ---------------------------------------------------------------------------
CC		?= cc
ifeq ($(origin CC),default)
CC		:= gcc
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
objects		= $(patsubst %.c,$(BUILD)/%.o,$(addprefix $(1)/,$(2)))
archives	= $(foreach f,$(1),$(BUILD)/$(f)/lib$(notdir $(f)).a)
PROGRAMS	:=
UNITS		:=
FUZZERS		:=
OBJECTS		:=

define archive_rule
OBJECTS += $(call objects,$(1),$(2))
$(BUILD)/$(1)/lib$(notdir $(1)).a: $(call objects,$(1),$(2))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
archive		= $(eval $(call archive_rule,$(1),$(2)))

define program_rule
PROGRAMS += $(BUILD)/$(1)
OBJECTS += $(call objects,$(2),$(3))
$(BUILD)/$(1): $(call objects,$(2),$(3)) $(call archives,$(4))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(LDFLAGS) -o $$@ $(call objects,$(2),$(3)) \
	    $(call archives,$(4)) $(addprefix -l,$(5))
endef
program		= $(eval $(call program_rule,$(1),$(2),$(3),$(4),$(5)))

define unit_rule
UNITS += $(BUILD)/tests/unit/$(1)/unit
OBJECTS += $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/unit/$(1)/*.c)))
$(BUILD)/tests/unit/$(1)/unit: $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard tests/unit/$(1)/*.c))) $(call archives,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(LDFLAGS) -o $$@ \
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
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(LDFLAGS) -o $$@ $(BUILD)/fuzz/fuzz_$(1).o \
	    $(BUILD)/fuzz/replay.o $(call archives,$(2)) $(addprefix -l,$(3))
$(BUILD)/fuzz/fuzz_$(1): $(BUILD)/fuzz/fuzz_$(1).o $(call archives,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OUR_LDFLAGS) $$(CFLAGS) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ \
	    $(BUILD)/fuzz/fuzz_$(1).o $(call archives,$(2)) $(addprefix -l,$(3))
endef
fuzzer		= $(eval $(call fuzzer_rule,$(1),$(2),$(3)))

MODULES		:= $(sort $(shell find . -name module.mk -not -path './build*' -not -path '*/node_modules/*'))
include $(MODULES)

# ---- compiling ------------------------------------------------------------------------------------
$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Criterion's macros assign int to a one-bit field.
$(BUILD)/tests/%.o: OUR_CFLAGS += -Wno-conversion

-include $(OBJECTS:.o=.d)

# ---- targets --------------------------------------------------------------------------------------
.PHONY: all clean check-unit
all: $(PROGRAMS)

check-unit: $(UNITS)
	$(Q)for u in $(UNITS); do echo "== $$u"; $$u --jobs 2 || exit 1; done

clean:
	rm -rf build build-*
