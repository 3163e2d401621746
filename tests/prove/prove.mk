# prove.mk - the make rule that proves contracts of single functions.  The
# top-level Makefile includes this file after boot/boot.mk.

.PHONY: prove

prove: $(TANGLE_STAMP) ## prove what single functions do (needs sh setup.sh --prove)
	@boot/need prove
	@/usr/bin/python3 -B tests/prove/prove.py $(TANGLED) $(OUT)/prove
