# grader.mk - make rules for exercises.  The top-level Makefile includes this
# file after book/tools/book.mk, which knows EX=slug.

GRADER = PYTHONPATH=tests /usr/bin/python3 -B -m grader

.PHONY: start grade hint audit

start: ## begin an exercise: work/EX.nw is yours to write (EX=)
	@$(GRADER) start '$(EX)'

grade: ## points for work/EX.nw, and why some are missing (EX=)
	@$(GRADER) grade '$(EX)' $(if $(FILE),--file '$(FILE)') \
	    $(if $(SEED),--seed '$(SEED)') $(if $(ONLY),--only '$(ONLY)')

hint: ## hints for an exercise (EX=)
	@$(GRADER) hint '$(EX)'

audit: ## test the exercises: starters, solutions, typical mistakes
	@$(GRADER) audit '$(EX)' --reruns $(or $(RERUNS),2)

#?
#? start, grade, hint, audit:
#?   EX=slug          which exercise; audit takes all
#? grade:
#?   SEED=, ONLY=     the inputs and the check that a report has named
#?   FILE=            another file than work/EX.nw
#? audit:
#?   RERUNS=20        how often each is graded again
