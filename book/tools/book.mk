# book.mk - make rules for the book: tangling, weaving, checking.
# The top-level Makefile includes this file.
#
#   CHAPTER=N|slug   the book up to that chapter
#   EX=slug          an exercise: the reader's work/slug.nw when there is one,
#                    else chunks/*-slug/starter.nw; at the exercise's chapter
#   OVERLAYS=files   what else changes the book, with a TREE= of its own
#
#?
#? tangle, kernel, run:
#?   EX=slug          with an exercise: work/slug.nw, or else its starter
#
# It leaves behind, for other rules:
#   TREE       where everything of this chapter or exercise is built
#              (build, build/ch08, build/ex-slug)
#   TANGLED    the tangled tree: tangled/ for the whole book, else TREE/tangled
#   TANGLE_STAMP   depend on this to have the tree up to date; it is a list of
#              the files in it, and touched whenever the book changes

BOOK_TOOLS := book/tools
BOOK_FILES := $(wildcard book/[0-9]*-*.nw book/[A-Z]-*.nw)

ifneq ($(EX),)
  EX_DIR := $(firstword $(wildcard chunks/*-$(EX)))
  EX_OVERLAY := $(firstword $(wildcard work/$(EX).nw $(EX_DIR)/starter.nw))
  ifeq ($(EX_OVERLAY),)
    $(error there is no exercise "$(EX)"; there are: \
        $(shell for each in chunks/[0-9][0-9]-*; do echo "$${each#chunks/??-}"; done))
  endif
  ifeq ($(CHAPTER),)
    CHAPTER := $(firstword $(subst -, ,$(notdir $(EX_DIR))))
  endif
endif

ifneq ($(CHAPTER),)
  CHAPTER_NUMBER := $(shell $(BOOK_TOOLS)/chapters '$(CHAPTER)' | cut -f 1)
  ifeq ($(CHAPTER_NUMBER),)
    $(error there is no chapter "$(CHAPTER)")
  endif
  CHAPTER_TAG := $(shell printf '%02d' '$(CHAPTER_NUMBER)' 2>/dev/null || echo '$(CHAPTER_NUMBER)')
endif

ifneq ($(EX),)
  TREE := build/ex-$(EX)
else ifneq ($(CHAPTER),)
  TREE := build/ch$(CHAPTER_TAG)
else
  TREE := build
endif
TANGLED := $(if $(filter build,$(TREE)),tangled,$(TREE)/tangled)
TANGLE_STAMP := $(TANGLED)/.tangled

.PHONY: tangle lint pdf html epub book
.PHONY: chapters

tangle: $(TANGLE_STAMP) ## take the C and NASM out of the book (CHAPTER=, EX=)

$(TANGLE_STAMP): book/. $(BOOK_FILES) $(EX_OVERLAY) $(OVERLAYS) $(wildcard $(BOOK_TOOLS)/awk/*.awk) $(BOOK_TOOLS)/tangle $(BOOK_TOOLS)/common.sh
	@$(BOOK_TOOLS)/tangle $(if $(CHAPTER),--chapter $(CHAPTER)) $(addprefix --overlay ,$(EX_OVERLAY) $(OVERLAYS)) $(TANGLED)

chapters: ## list the chapters: number, slug, title, file
	@$(BOOK_TOOLS)/chapters

lint: ## measure the chapters and check their style; fails on errors
	@$(BOOK_TOOLS)/lint

# What the editions are made of.
WOVEN_FROM := $(BOOK_FILES) book/book.yaml book/refs.bib $(wildcard figures/*) \
    $(shell find $(BOOK_TOOLS) -type f)

pdf: build/book/rux.pdf ## typeset the book: build/book/rux.pdf
html: html/index.html ## weave the web edition: html/index.html
epub: build/book/rux.epub ## weave the e-book: build/book/rux.epub
book: pdf html epub ## weave all editions: PDF, HTML, EPUB

build/book/rux.pdf: $(WOVEN_FROM)
	@$(BOOK_TOOLS)/weave pdf

html/index.html: $(WOVEN_FROM)
	@$(BOOK_TOOLS)/weave html

# After the pages, which draw the same figures.
build/book/rux.epub: $(WOVEN_FROM) | html/index.html
	@$(BOOK_TOOLS)/weave epub
