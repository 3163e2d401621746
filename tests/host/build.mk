# build.mk - compiles the capability core with the tests that run on the host.
# Started by tests.mk:
#
#   make -f tests/host/build.mk TANGLED=dir OUT=dir [LAST=NN]
#
# Each tests/host/NN-name.c whose chapter the tree has becomes a program of its
# own, OUT/NN-name, with all portable code of the tree. What the core asks of
# the machine is played by tests/host/fake/, which comes first on the path.
#
# OUT/model compares the core with a model of it, by system calls: it needs
# those of the kernel's files that carry them out.

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

TESTS := $(foreach test,$(sort $(wildcard tests/host/[0-9][0-9]-*.c)),\
	$(shell [ $(notdir $(test)) '>' '$(or $(LAST),99)~' ] || echo $(test)))
CORE := $(sort $(wildcard $(TANGLED)/kernel/cap/*.c $(TANGLED)/kernel/check.c \
	$(TANGLED)/lib/*.c))
FAKE := $(sort $(wildcard tests/host/fake/*.c))

# The core's own memory functions would take the place of the sanitizer's.
CORE := $(filter-out %/lib/string.c %/lib/memory.c,$(CORE))

# This one is part of its own test.
CORE := $(filter-out %/lib/elf.c,$(CORE))

OBJ := $(OUT)/obj
OBJECTS := $(patsubst $(TANGLED)/%,$(OBJ)/%.o,$(CORE)) \
	$(patsubst tests/host/%,$(OBJ)/%.o,$(FAKE))
PROGRAMS := $(patsubst tests/host/%.c,$(OUT)/%,$(TESTS))
FLAGS := -std=gnu17 -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all -DCHECK \
	-I tests/host/fake -I $(TANGLED)/include -I $(TANGLED) -I . -MMD -MP

# Of the calls' table the model needs a part; handlers of others are missing.
ifneq ($(wildcard $(TANGLED)/kernel/cap/channel.c),)
MODEL := $(OUT)/model
endif
MODEL_OBJECTS := $(patsubst tests/host/%,$(OBJ)/%.o,\
	$(sort $(wildcard tests/host/model/*.c))) \
	$(OBJ)/kernel/syscall.c.o $(OBJ)/kernel/calls.c.o

all: $(PROGRAMS) $(MODEL)
	@:
.PHONY: all
.SECONDARY:

compile = @mkdir -p $(@D) && gcc $(FLAGS) -c -o $@ $<

$(OBJ)/%.c.o: $(TANGLED)/%.c tests/host/build.mk
	$(compile)

$(OBJ)/%.c.o: tests/host/%.c tests/host/build.mk
	$(compile)

$(OUT)/%: $(OBJ)/%.c.o $(OBJECTS)
	@gcc $(FLAGS) -o $@ $^ -lcmocka

# A model that is slow is a short comparison.
$(patsubst tests/host/%,$(OBJ)/%.o,$(wildcard tests/host/model/*.c)): \
	FLAGS += -O2

# How often all is checked is the model's affair.
$(OBJ)/kernel/syscall.c.o: FLAGS += -UCHECK

$(OUT)/model: $(MODEL_OBJECTS) $(OBJECTS)
	@gcc $(FLAGS) -no-pie -Wl,--unresolved-symbols=ignore-in-object-files \
	    -o $@ $^ -lcmocka

-include $(OBJECTS:.o=.d) $(MODEL_OBJECTS:.o=.d) $(patsubst tests/host/%,$(OBJ)/%.d,$(TESTS))
