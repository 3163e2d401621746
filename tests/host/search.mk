# search.mk - compiles the search of all states (search/search.c).
#
#   make -f tests/host/search.mk TANGLED=dir OUT=dir [BASE=dir] [SLOTS="6 3 2"]
#
# A program for each number of slots that a pool has, OUT/N/search. What does
# not differ from BASE, the OUT of another tree, is not compiled again.

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

SLOTS := 6 3 2
CORE := $(patsubst $(TANGLED)/%,%,$(sort $(wildcard $(TANGLED)/kernel/cap/*.c \
	$(TANGLED)/kernel/check.c $(TANGLED)/lib/error.c)))
TEST := $(sort $(wildcard tests/host/search/*.c tests/host/fake/*.c))
OURS := $(wildcard tests/host/search/* tests/host/fake/* tests/host/fake/*/* \
	tests/host/fake/*/*/*) tests/host/search.mk

# What is undefined stops the program, which says how it came to it. The
# sanitizer of addresses would take longer than a minute.
FLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -DCHECK \
	-fsanitize=undefined -fsanitize-undefined-trap-on-error

all: $(SLOTS:%=$(OUT)/%/search)
	@:
.PHONY: all
.SECONDARY:

$(OUT)/%/tree.made: $(CORE:%=$(TANGLED)/%) $(OURS)
	@mkdir -p $(@D) && tests/host/search/narrow $(TANGLED) $(@D)/tree $* && touch $@

# As in BASE if this source, and all headers, are.
same = [ '$(BASE)' ] && cmp -s $$source $$base && \
	for h in $$(cd $(@D)/tree && find . -name '*.h'); do \
	    cmp -s $(@D)/tree/$$h $(BASE)/$*/tree/$$h || exit 1; done

$(OUT)/%/search: $(OUT)/%/tree.made
	@objects=; for source in $(CORE:%=$(@D)/tree/%) $(TEST); do \
	    object=$(@D)/$$(echo $${source#$(@D)/tree/} | tr / -).o; \
	    case $$source in $(@D)/*) \
	        base=$(BASE)/$*/tree/$${source#$(@D)/tree/} ;; *) base=$$source ;; esac; \
	    if ($(same)); then \
	        object=$(BASE)/$*/$${object##*/}; \
	    else \
	        gcc $(FLAGS) -DSEARCH_SLOTS=$* -I tests/host/search -I tests/host/fake \
	            -I $(@D)/tree/include -I $(@D)/tree -c -o $$object $$source || exit 1; \
	    fi; objects="$$objects $$object"; \
	done; gcc $(FLAGS) -o $@ $$objects
