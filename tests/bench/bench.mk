# bench.mk - make rules that count instructions.  The top-level Makefile
# includes this file after boot/boot.mk.

BENCH := tests/bench/bench.py
FIGURES = $(OUT)/bench.json

.PHONY: bench

bench: ## count the instructions of system calls, and compare with seL4's
	@boot/need compile run
	+@$(MAKE) --no-print-directory CHECK= PROGRAM=bench kernel
	@/usr/bin/python3 -B $(BENCH) $(OUT)/rux.elf $(OUT)/programs/bench.elf --json $(FIGURES)
	@echo 'These figures are in $(FIGURES).'
