# bench.mk - make rules that count instructions.  The top-level Makefile
# includes this file after boot/boot.mk.
#
# Two kernels are measured: the book's, as programs see it, and for what they
# cannot see the same with tests/bench/measure.nw.

BENCH := tests/bench/bench.py
MEASURE = $(OUT)/measure
MEASURED := user_enter wait_for_interrupt system_call apic_timer_start \
	syscall_answer_at_once

# Loaded by QEMU, so it is a part of this machine and not of the other.
HIDDEN = $(OUT)/hidden.so
$(OUT)/hidden.so: tests/bench/hidden.c
	@boot/need compile
	@mkdir -p $(@D)
	@gcc -std=gnu17 -O2 -Wall -Wextra -Wpedantic -Wconversion -Werror -shared -fPIC \
	    -fvisibility=hidden -o $@ $<

.PHONY: bench bench-compare measuring-kernel

bench: measuring-kernel $(HIDDEN) ## count what calls cost in instructions, beside seL4's
	@boot/need run
	+@$(MAKE) --no-print-directory CHECK= PROGRAM=bench kernel
	@/usr/bin/python3 -B $(BENCH) $(if $(QUOTE),--quote) $(OUT)
	@echo 'These figures are in $(OUT)/bench.json.'

bench-compare: ## count another revision, too, and show the difference (BASE=)
	$(if $(BASE),,$(error say which revision: make bench-compare BASE=HEAD~1))
	@mkdir -p $(OUT)
	+@$(MAKE) --no-print-directory bench >$(OUT)/bench.txt || { cat $(OUT)/bench.txt; exit 1; }
	@/usr/bin/python3 -B tests/bench/compare.py '$(BASE)' $(OUT)/bench.json

measuring-kernel: tests/bench/measure.nw
	@boot/need tangle compile
	@$(BOOK_TOOLS)/tangle $(if $(CHAPTER),--chapter $(CHAPTER)) --overlay $< $(MEASURE)/tangled
	+@$(MAKE) $(JOBS) --no-print-directory -f boot/build.mk TANGLED=$(MEASURE)/tangled \
	    OUT=$(MEASURE) WRAP='$(MEASURED)' PROGRAMS=stretch V=$(V)

#? bench:
#?   QUOTE=1          put the figures into the book where it quotes them
