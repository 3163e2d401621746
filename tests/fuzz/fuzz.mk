# fuzz.mk - make rules for the fuzzer.  The top-level Makefile includes this
# file after boot/boot.mk.

FUZZ := tests/fuzz/fuzz.py

.PHONY: fuzz

fuzz: ## make random system calls, checking everything (SEED=, CALLS=, MINUTES=)
	@boot/need compile run
	+@$(MAKE) --no-print-directory CHECK=1 PROGRAM=fuzz kernel
	@/usr/bin/python3 -B $(FUZZ) $(SEED:%=--seed %) $(CALLS:%=--calls %) \
	    $(MINUTES:%=--minutes %) $(OUT)/check

#? fuzz:
#?   SEED=1           where the random numbers begin; CALLS=20000 of each run
#?   MINUTES=10       go on with the next seeds for so long
