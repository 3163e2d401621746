# Makefile - every command of the book; `make help` lists them.
#
# The rules live beside what they make: book/tools/book.mk (tangling, weaving,
# checking), boot/boot.mk (kernel, QEMU, gdb), tests/grader/grader.mk
# (exercises), tests/bench/bench.mk (measuring), tests/fuzz/fuzz.mk (fuzzing),
# tests/prove/prove.mk (proofs), tests/tests.mk (tests).

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:

RULES := Makefile book/tools/book.mk boot/boot.mk tests/bench/bench.mk \
    tests/fuzz/fuzz.mk tests/grader/grader.mk tests/prove/prove.mk \
    tests/tests.mk
include $(filter-out Makefile,$(RULES))

.PHONY: help clean doctor

help: ## list the commands, as you see
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/    make \1\t\2/p' $(RULES) \
	    | expand -t 24
	@sed -n 's/^#? \{0,1\}//p' $(RULES)

doctor: ## check the tools, then tangle, compile and boot to prove it
	@boot/doctor

clean: ## delete everything that make has made
	rm -rf build tests/.pytest_cache
	find tangled html -mindepth 1 -not -name README.md -delete

#?
#? Each command takes CHAPTER=N: the book up to chapter N, by number or slug.
