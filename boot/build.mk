# build.mk - compiles and links one tangled tree.  Started by boot.mk:
#
#   make -f boot/build.mk TANGLED=dir OUT=dir [LAST=NN] [CHECK=1] [TEST=1]
#     [SLOW=1]
#       [PROGRAMS='name ...'] [iso]
#
#   TANGLED  the tree: kernel/, lib/, include/, userland/, programs/, demo/
#   OUT      where objects (OUT/obj) and images (OUT/rux.elf, OUT/rinit.elf,
#            and for the goal iso OUT/rux.iso) go
#   LAST     number of the tree's last chapter, two digits; its demonstration
#            is linked in.  Empty for the whole book, which has none
#   CHECK=1  check every invariant after each system call
#   SLOW=1   every call goes the long way, through the main loop
#   TEST=1   the test image: tests of the chapters up to LAST instead of the
#            demonstration, checks, undefined behaviour reported
#   TEST_DIR=dir  where those tests are, if not in tests/kernel
#   WRAP=functions  whose callers call __wrap_FUNCTION instead: a kernel that
#            measures itself (tests/bench)
#   PROGRAMS=names  programs of userland/ that can start in rinit's place:
#            OUT/programs/NAME.elf, for the goal iso OUT/programs/NAME.iso; a
#            single one is all that is built beside the kernel
#
# From the chapter on that starts programs, rinit holds an archive of all that
# userland/ has: OUT/obj/programs.tar, included by userland/archive.asm.

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

CC := gcc
OBJ := $(OUT)/obj
Q := $(if $(V),,@)

sources = $(sort $(foreach dir,$1,$(shell find $(TANGLED)/$(dir) \
	-name '*.c' -o -name '*.asm' 2>/dev/null)))

OFFSETS := $(wildcard $(TANGLED)/kernel/x86/offsets.c)
KERNEL := $(filter-out $(OFFSETS),$(call sources,kernel lib))
USER := $(call sources,userland lib)
DEMO := $(if $(TEST)$(if $(LAST),,none),,$(sort \
	$(wildcard $(TANGLED)/demo/$(LAST)-*.c $(TANGLED)/demo/$(LAST)-*.asm)))

# Where there is a first program, what a chapter demonstrates is a part of it.
ifneq ($(wildcard $(TANGLED)/userland/user.ld),)
  USER += $(DEMO)
  DEMO :=
endif

# The tests of this tree's chapters, in order; the runner, which sums up, last.
TEST_DIR := tests/kernel
TESTS := $(foreach test,$(sort $(wildcard $(TEST_DIR)/[0-9][0-9]-*.c)),\
	$(shell [ $(notdir $(test)) '>' '$(or $(LAST),99)~' ] \
	|| echo $(test)))
TESTS := $(if $(TEST),$(TESTS) $(wildcard tests/kernel/ubsan.c tests/kernel/test.c))

object = $(patsubst $(TANGLED)/%,$(OBJ)/%.o,$(filter $(TANGLED)/%,$1)) \
	$(patsubst %,$(OBJ)/%.o,$(filter tests/% chunks/%,$1))
KERNEL_OBJECTS := $(call object,$(KERNEL) $(DEMO) $(TESTS))
USER_OBJECTS := $(patsubst $(OBJ)/%,$(OBJ)/user/%,$(call object,$(USER)))

# A program is userland/NAME.c and what is in userland/NAME/, if anything, or the
# book's programs/NAME.c. What else it needs it takes from rinit's objects: the
# library.
ALL_PROGRAMS := $(sort $(basename $(notdir \
	$(wildcard userland/*.c $(TANGLED)/programs/*.c))))
program = $(patsubst %,$(OBJ)/programs/%.o,$(sort $(wildcard userland/$1.c \
	userland/$1/*.c userland/$1/*.asm $(TANGLED)/programs/$1.c)))
PROGRAM_OBJECTS := $(sort $(foreach name,$(ALL_PROGRAMS),$(call program,$(name))))
LIBRARY := $(OBJ)/userland.a

# The archive of the programs is in rinit only: they are made of the library.
ARCHIVE := $(OBJ)/programs.tar
LIBRARY_OBJECTS := $(filter-out %/userland/archive.asm.o,$(USER_OBJECTS))

IMAGES := $(OUT)/rux.elf
ifneq ($(wildcard $(TANGLED)/userland/user.ld),)
  ifneq ($(words $(PROGRAMS)),1)
    IMAGES += $(OUT)/rinit.elf
  endif
endif

IMAGES += $(PROGRAMS:%=$(OUT)/programs/%.elf)

all: $(IMAGES)
	@:

iso: $(or $(PROGRAMS:%=$(OUT)/programs/%.iso),$(OUT)/rux.iso)
	@:
.PHONY: all iso

# --- Flags -------------------------------------------------------------------

WARN := -Wall -Wextra -Wno-unused-parameter -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla \
	-Wundef -Wcast-align=strict -Wcast-qual -Wwrite-strings -Wformat=2 \
	-Wimplicit-fallthrough -Wswitch-enum -Wlogical-op -Wduplicated-cond \
	-Wduplicated-branches -Werror
# These two judge by what the optimizer makes of the code, and -fsanitize
# changes that: the test image leaves them to the ordinary one.
WARN += $(if $(TEST),,-Wnull-dereference -Wstack-usage=2048)

# Loops may begin anywhere: aligning them costs 1.4 KB of the kernel's text.
COMMON := -std=gnu17 -O2 -fno-align-loops -fno-align-jumps -gdwarf-4 -ffreestanding -nostdlib -fno-pic -fno-pie \
	-mgeneral-regs-only -fno-common -fno-strict-aliasing \
	-fno-delete-null-pointer-checks -fno-omit-frame-pointer \
	-fstack-protector-strong -mstack-protector-guard=global \
	-fcf-protection=none -fno-asynchronous-unwind-tables \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. \
	-I $(TANGLED)/include -I $(TANGLED) -MMD -MP \
	$(if $(CHECK)$(TEST),-DCHECK)
KERNEL_FLAGS := $(COMMON) $(WARN) -mcmodel=kernel -mno-red-zone \
	$(if $(TEST),-fsanitize=undefined) $(if $(TEST)$(WRAP),-I .) \
	$(if $(SLOW),-DSLOW)
USER_FLAGS := $(COMMON) $(WARN) -mcmodel=small

# What of the kernel shall be fast is what programs call; what runs once, reads
# a file or writes text shall be small.
FAST := kernel/cap/% kernel/%calls.c kernel/syscall.c kernel/scheduler.c \
	kernel/interrupt.c kernel/x86/apic.c kernel/x86/floating.c kernel/x86/switch.c \
	lib/string.c
SMALL := $(filter-out $(FAST:%=$(OBJ)/%.o),$(filter %.c.o,\
	$(patsubst $(TANGLED)/%,$(OBJ)/%.o,$(KERNEL))))
$(SMALL): KERNEL_FLAGS += -Os

LINK := ld -m elf_x86_64 -static -nostdlib -z max-page-size=0x1000 \
	-z noexecstack --gc-sections --fatal-warnings

# --- Compiling ---------------------------------------------------------------

# A change of flags is a change of everything.
$(KERNEL_OBJECTS) $(USER_OBJECTS) $(PROGRAM_OBJECTS): boot/build.mk

compile = $(Q)mkdir -p $(@D) && $(CC) $1 -c -o $@ $<

$(OBJ)/%.c.o: $(TANGLED)/%.c
	$(call compile,$(KERNEL_FLAGS))

$(OBJ)/user/%.c.o: $(TANGLED)/%.c
	$(call compile,$(USER_FLAGS))

$(OBJ)/programs/%.c.o: %.c
	$(call compile,$(USER_FLAGS) -I .)

# A test belongs to the chapter that its file's name begins with, and stands
# in the image in the order of its file. The kernel under test is optimized as
# ever, the tests little: they are compiled anew for every prefix of the book.
$(OBJ)/tests/%.c.o: tests/%.c
	$(call compile,$(KERNEL_FLAGS) -Og -fno-toplevel-reorder \
	    -DTEST_CHAPTER=$(firstword $(subst -, ,$(*F))))

# What grades an exercise stands with the exercise.
$(OBJ)/chunks/%.c.o: chunks/%.c
	$(call compile,$(KERNEL_FLAGS))

# The handlers themselves must not be instrumented.
$(OBJ)/tests/kernel/ubsan.c.o: KERNEL_FLAGS += -fno-sanitize=all

# Lines for gdb, but not where there is a second section with code: NASM 2.16
# mixes up their addresses, and gdb would lose the C files beside it.
assemble = $(Q)mkdir -p $(@D) && nasm -f elf64 -w+all -w+error \
	$(if $(filter %/boot.asm,$<),,-g -F dwarf) \
	-I $(OBJ)/ -I $(TANGLED)/ -o $@ $<

# NASM's own list of what a file includes stops at the first %line, so each
# depends on all that there is to be included.
$(filter %.asm.o,$(KERNEL_OBJECTS) $(USER_OBJECTS)): \
	$(sort $(shell find $(TANGLED) -name '*.inc' 2>/dev/null))

$(OBJ)/%.asm.o: $(TANGLED)/%.asm
	$(assemble)

$(OBJ)/user/%.asm.o: $(TANGLED)/%.asm
	$(assemble)

$(OBJ)/programs/%.asm.o: %.asm
	$(assemble)

# What assembly needs to know of the C structures: offsets.c is compiled but
# not assembled, and the lines it leaves in the output become NASM macros.
ifneq ($(OFFSETS),)
$(filter %.asm.o,$(KERNEL_OBJECTS)): $(OBJ)/offsets.inc

$(OBJ)/offsets.inc: $(OFFSETS) boot/build.mk
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fsanitize=%,$(KERNEL_FLAGS)) -MT $@ -MF $(OBJ)/offsets.d \
	    -S -o $(OBJ)/offsets.s $<
	$(Q)sed -n 's/^[[:space:]]*\(%define [A-Za-z0-9_]* \)\$$\{0,1\}\(-\{0,1\}[0-9]*\)$$/\1\2/p' \
	    $(OBJ)/offsets.s >$@
endif

# --- Linking -----------------------------------------------------------------

# The list of objects: an image is linked again when a file has gone, too.
OBJECT_LIST := $(OBJ)/objects
ifneq ($(KERNEL_OBJECTS) $(USER_OBJECTS) $(ALL_PROGRAMS),$(shell cat $(OBJECT_LIST) 2>/dev/null))
$(shell mkdir -p $(OBJ); echo '$(KERNEL_OBJECTS) $(USER_OBJECTS) $(ALL_PROGRAMS)' >$(OBJECT_LIST))
endif

$(OUT)/rux.elf: $(TANGLED)/kernel/kernel.ld $(KERNEL_OBJECTS) $(OBJECT_LIST)
	$(Q)$(LINK) $(WRAP:%=--wrap=%) -T $< -o $@ $(KERNEL_OBJECTS)

$(OUT)/rinit.elf: $(TANGLED)/userland/user.ld $(USER_OBJECTS) $(OBJECT_LIST)
	$(Q)$(LINK) -T $< -o $@ $(USER_OBJECTS)

$(OUT)/rux.iso: $(IMAGES) boot/grub.cfg boot/iso
	$(Q)boot/iso $@ $(OUT)/rux.elf $(wildcard $(OUT)/rinit.elf)

# The linker takes from a library only what is missing, so a program has its
# own rinit_main() and whatever else it likes to replace.
$(LIBRARY): $(LIBRARY_OBJECTS) $(OBJECT_LIST)
	$(Q)rm -f $@ && ar rcsD $@ $(LIBRARY_OBJECTS)

# With -n the segments follow each other in the file without a gap.
.SECONDEXPANSION:
$(OUT)/programs/%.elf: $(TANGLED)/userland/user.ld $$(call program,$$*) $(LIBRARY)
	$(Q)mkdir -p $(@D)
	$(Q)$(LINK) -n -T $< -o $@ $(call program,$*) $(LIBRARY)

# The archive: the same bytes for the same programs, wherever it is made. Of
# what only debuggers read, the names of functions are kept.
$(ARCHIVE): $(ALL_PROGRAMS:%=$(OUT)/programs/%.elf) $(OBJECT_LIST)
	$(Q)rm -rf $(OBJ)/archive && mkdir -p $(OBJ)/archive
	$(Q)for file in $(filter %.elf,$^); do name=$${file##*/}; \
	    objcopy -D --strip-debug "$$file" "$(OBJ)/archive/$${name%.elf}" || exit 1; done
	$(Q)tar --create --file=$@ --format=ustar --blocking-factor=1 --mtime=@0 \
	    --owner=0 --group=0 --numeric-owner --mode=0555 -C $(OBJ)/archive $(ALL_PROGRAMS)

$(filter %/userland/archive.asm.o,$(USER_OBJECTS)): $(ARCHIVE)

$(OUT)/programs/%.iso: $(OUT)/rux.elf $(OUT)/programs/%.elf boot/grub.cfg boot/iso
	$(Q)boot/iso $@ $(OUT)/rux.elf $(OUT)/programs/$*.elf

-include $(KERNEL_OBJECTS:.o=.d) $(USER_OBJECTS:.o=.d) $(OBJ)/offsets.d \
    $(PROGRAM_OBJECTS:.o=.d)
