# bench.mk - make rules that count instructions.  The top-level Makefile
# includes this file after boot/boot.mk.
#
# Two kernels are measured: the book's, as programs see it, and for what they
# cannot see the same with tests/bench/measure.nw.

BENCH := tests/bench/bench.py
MEASURE = $(OUT)/measure
MEASURED := user_enter wait_for_interrupt system_call apic_timer_start \
	syscall_answer_at_once

.PHONY: bench measuring-kernel

bench: measuring-kernel ## count what calls cost in instructions, beside seL4's
	@boot/need run
	+@$(MAKE) --no-print-directory CHECK= PROGRAM=bench kernel
	@/usr/bin/python3 -B $(BENCH) $(if $(QUOTE),--quote) $(OUT)
	@echo 'These figures are in $(OUT)/bench.json.'

measuring-kernel: tests/bench/measure.nw
	@boot/need tangle compile
	@$(BOOK_TOOLS)/tangle $(if $(CHAPTER),--chapter $(CHAPTER)) --overlay $< $(MEASURE)/tangled
	+@$(MAKE) $(JOBS) --no-print-directory -f boot/build.mk TANGLED=$(MEASURE)/tangled \
	    OUT=$(MEASURE) WRAP='$(MEASURED)' PROGRAMS=stretch V=$(V)

#? bench:
#?   QUOTE=1          put the figures into the book where it quotes them
