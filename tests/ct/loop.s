# What a compiler could make for riscv64 of a loop with a branch on a secret, for tests/ct/branches.sh: the branch goes
# back to a part of the loop's body that stands above its beginning. It must not be taken for the end of the loop.
	.file	1 "tests/ct" "loop.c"
ct_fault_above:
	.loc	1 1 1
	j	.L3
.L1:
	xor	a0, a0, a1
.L2:
	addi	a2, a2, -8
	beqz	a2, .L4
.L3:
	ld	a3, 0(a2)
	bnez	a3, .L1
	j	.L2
.L4:
	ret
