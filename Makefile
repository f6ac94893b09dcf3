# SPDX-License-Identifier: GPL-2.0
# What a person runs. The kernel's own build reads Kbuild instead, when this
# directory is security/krsi/ of a kernel tree.

.PHONY: help demo test test-policy tool tool-deb server fuzz bench bench-check bench-wall bench-where shell kernel clean install uninstall
.DEFAULT_GOAL := help

help:
	@echo 'make demo      boot a kernel with KRSI and watch policies meet real attacks'
	@echo 'make test      all tests on two kernels, with leak checks and line coverage'
	@echo 'make test K=x  only the kselftest program x, on the normal kernel'
	@echo 'make test-policy P=x  a policy of your own and its tests in the directory x, on both kernels'
	@echo 'make server    a real Debian lives a day with all policies, in both modes'
	@echo 'make server D=x  only the thing x of its day or its attacks'
	@echo 'make fuzz      fuzz the reader of module files, an hour or SECONDS=n'
	@echo 'make bench     what KRSI costs beside BPF LSM, in instructions; SAVE=1: into the documentation'
	@echo 'make bench-check  whether that is what the documentation says'
	@echo 'make bench-wall   the same in time, where KVM works (KRSI_KVM=1)'
	@echo 'make bench-where R=x  in which functions the instructions of the row x are'
	@echo 'make shell     a prompt in the guest; SERVER=1: in the server'
	@echo 'make tool      build the tool krsi, for this machine and the guest'
	@echo 'make tool-deb  a Debian package of it'
	@echo 'make kernel    build the normal kernel and no more'
	@echo 'make clean     remove all that was built (downloads stay)'
	@echo 'make install KERNEL_SRC=dir    put KRSI into a Linux 7.3 source tree'
	@echo 'make uninstall KERNEL_SRC=dir  take it out again'
	@echo
	@echo 'KRSI_CACHE  where everything is built (default ~/.cache/krsi)'
	@echo 'KRSI_JOBS   jobs at once (default: one a processor)'
	@echo 'KRSI_KVM=1  use KVM instead of emulation'

demo bench-check bench-wall clean:
	@qemu/$@.sh

bench:
	@qemu/bench.sh $(if $(SAVE),save)

bench-where:
	@qemu/bench-where.sh $(R)

shell:
	@qemu/shell.sh $(if $(SERVER),server)

server:
	@qemu/server.sh $(D)

tool:
	@qemu/make-tool.sh

tool-deb:
	@qemu/tool-deb.sh

kernel:
	@qemu/build.sh

test:
	@qemu/test.sh $(K)

test-policy:
	@qemu/test-policy.sh "$(P)"

fuzz:
	@qemu/fuzz.sh $(SECONDS)

install uninstall:
	@patches/install.sh $@ "$(KERNEL_SRC)"
