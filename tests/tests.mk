# tests.mk - make rules for the tests.  The top-level Makefile includes this
# file after boot/boot.mk, whose OUT and BUILD it uses.
#
# All images are built before pytest starts (every prefix of the book, each as
# it runs and as it is tested), so that tests only read what is there.

# The tests call make as a person would, not as a part of this one.
PYTEST := env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CHAPTER -u CHECK -u EX \
	/usr/bin/python3 -B -m pytest -c tests/pytest.ini
CHAPTERS := $(filter-out 00,$(foreach file,$(wildcard book/[0-9][0-9]-*.nw),\
	$(firstword $(subst -, ,$(notdir $(file))))))
PREFIXES := $(CHAPTERS:%=prefix-%)

# The last chapter about calls that can go a way of their own: its image is
# tested without these ways, too.
LAST_FAST := 18

# One chapter's tests are few: no other files are read, no workers started.
SELECTED = $(if $(CHAPTER),-n 0 --chapter $(CHAPTER_TAG) tests/host \
	tests/boot/test_kernel.py tests/boot/test_runs.py \
	tests/boot/test_slow.py,tests)

.PHONY: test test-image test-host test-model images whole-book $(PREFIXES)

test: ## run all tests, or with CHAPTER=N those of that chapter alone
	@boot/need tangle compile iso run uefi debug test weave graph
	@echo 'Building $(if $(CHAPTER),chapter $(CHAPTER),every prefix of the book) ...'
	+@$(MAKE) $(JOBS) -k --no-print-directory $(if $(CHAPTER),prefix-$(CHAPTER_TAG),images) \
	    || echo "Not everything could be built; the tests say what."
	@$(PYTEST) $(SELECTED) $(PYTEST_OPTIONS)

test-image: $(TANGLE_STAMP)
	+@$(BUILD) OUT=$(OUT)/$(if $(SLOW),slow-)test TEST=1

test-host: $(TANGLE_STAMP)
	+@$(MAKE) --no-print-directory -f tests/host/build.mk \
	    TANGLED=$(TANGLED) OUT=$(OUT)/host LAST=$(CHAPTER_TAG)

images: $(PREFIXES) whole-book

$(PREFIXES): prefix-%:
	+@$(MAKE) --no-print-directory CHAPTER=$* EX= CHECK= PROGRAM= iso test-image \
	    $(if $(filter $(CHAPTER_TAG),$*),test-host)
	$(if $(filter $(LAST_FAST),$*),+@$(MAKE) --no-print-directory \
	    CHAPTER=$* EX= CHECK= PROGRAM= SLOW=1 test-image)

whole-book:
	+@$(MAKE) --no-print-directory CHAPTER= EX= CHECK= PROGRAM= \
	    iso test-host measuring-kernel
	+@$(MAKE) --no-print-directory CHAPTER= EX= CHECK= PROGRAM= programs
	+@$(MAKE) --no-print-directory CHAPTER= EX= CHECK=1 PROGRAM= programs

test-model: test-host ## compare the kernel's core with the model of it (SEEDS=, STEPS=)
	@$(OUT)/host/model --seeds $(or $(SEEDS),500) --steps $(or $(STEPS),2000) --counts

#? test:
#?   PYTEST_OPTIONS=  what else pytest shall hear, as in "-k person" or "-x"
#? test-model:
#?   SEEDS=500        how many sequences of operations; STEPS=2000 in each
