# boot.mk - make rules for the kernel: building, booting, debugging it.
# The top-level Makefile includes this file after book/tools/book.mk, whose
# TREE, TANGLED and TANGLE_STAMP say which part of the book is meant.
#
# Which files are compiled is known only after tangling, so compiling and
# linking have a makefile of their own, boot/build.mk, started from here.

OUT := $(if $(filter build,$(TREE)),build/full,$(TREE))
IMAGES := $(OUT)$(if $(CHECK),/check)$(if $(SLOW),/slow)
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
BUILD = $(MAKE) $(JOBS) --no-print-directory -f boot/build.mk \
	TANGLED=$(TANGLED) LAST=$(CHAPTER_TAG) V=$(V) SLOW=$(SLOW)
LAUNCH = boot/qemu --images $(IMAGES) $(if $(PROGRAM),--program $(PROGRAM))

# Programs that can start in rinit's place, once the book has come to rinit.
ALL_PROGRAMS := $(sort $(basename $(notdir $(wildcard userland/*.c))) \
	$(shell sed -n 's,^<<programs/\(.*\)\.c>>=$$,\1,p' book/*.nw))
NO_PROGRAMS := $(if $(CHAPTER),$(shell [ '$(CHAPTER_NUMBER)' -ge 19 ] || echo yes))
ifneq ($(PROGRAM),)
  ifneq ($(words $(PROGRAM))/$(filter $(PROGRAM),$(ALL_PROGRAMS)),1/$(PROGRAM))
    $(error there is no program "$(PROGRAM)"; userland/ has: $(ALL_PROGRAMS))
  endif
  ifneq ($(NO_PROGRAMS),)
    $(error PROGRAM=$(PROGRAM) needs a kernel that can load it: CHAPTER=19 or later)
  endif
endif

.PHONY: kernel iso programs run run-fast run-uefi debug graph picture

kernel: $(TANGLE_STAMP) ## compile and link: rux.elf, rinit.elf (CHECK=1, V=1)
	@boot/need compile
	+@$(BUILD) OUT=$(IMAGES) CHECK=$(CHECK) PROGRAMS=$(PROGRAM)

iso: $(TANGLE_STAMP) ## make the disk image that boots by BIOS, UEFI and USB stick
	@boot/need compile iso
	+@$(BUILD) OUT=$(IMAGES) CHECK=$(CHECK) PROGRAMS=$(PROGRAM) iso

programs: $(TANGLE_STAMP) ## compile every program of userland/ and of the book
	@boot/need compile
	+@$(BUILD) OUT=$(IMAGES) CHECK=$(CHECK) PROGRAMS='$(ALL_PROGRAMS)'

run: iso ## boot with GRUB in QEMU
	@$(LAUNCH) --bios

run-fast: kernel ## boot without GRUB: QEMU loads the kernel itself
	@$(LAUNCH) --direct

run-uefi: iso ## boot with GRUB on UEFI firmware (no VGA text there)
	@$(LAUNCH) --uefi

debug: kernel ## gdb, stopped at the first line of C or at an exercise (EX=)
	@PROGRAM=$(PROGRAM) RUX_ANSWER=$(EX_OVERLAY) boot/debug $(IMAGES) $(GDB_OPTIONS)

# The kernel that draws is another one, so it has a tree of its own.
GRAPH_TREE := build/graph/$(or $(EX:%=ex-%),$(CHAPTER_TAG:%=ch%),full)
CHAPTERS_TO = $(if $(CHAPTER_NUMBER),$(shell [ '$(CHAPTER_NUMBER)' -lt $1 ] && echo yes))

graph: ## draw pools, slots, objects of a kernel at rest, as text and SVG
	$(if $(call CHAPTERS_TO,10),$(error from chapter 10 on the kernel can \
	    write down its objects, and CHAPTER=$(CHAPTER) is before that))
	@boot/need compile run graph
	+@$(MAKE) --no-print-directory kernel TREE=$(GRAPH_TREE) CHECK= \
	    OVERLAYS='boot/graph-end.nw $(if $(call CHAPTERS_TO,14),,boot/graph-rest.nw)'
	@boot/graph $(GRAPH_TREE) $(PROGRAM)

picture: kernel ## draw the README's picture again, from a run
	@/usr/bin/python3 -B tests/boot/picture.py boot/screen.svg

#?
#? run, run-fast, run-uefi, debug, graph:
#?   PROGRAM=name     start userland/name.c in rinit's place
#? run, run-fast, run-uefi:
#?   CONSOLE=serial   the serial line in this terminal; Ctrl-A X leaves
#?   CONSOLE=window   QEMU's window: screen and keyboard
#?   CONSOLE=both     both (the default where there is a display)
#?   MEMORY=256M      how much memory the machine has
#?   MACHINE=pc|q35   which machine; CPU=qemu64|max|... which processor
#? debug:
#?   GDB_OPTIONS=     what else gdb shall hear, as in "-ex 'chunk define retype'"
#? kernel and what builds on it:
#?   CHECK=1          check every invariant after each system call
#?   SLOW=1           let every call go the long way, through the main loop
#?   V=1              show the commands
