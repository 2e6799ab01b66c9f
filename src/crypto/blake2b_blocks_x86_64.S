/*
 * blake2b_blocks_x86_64() of blake2b_blocks.h, for the calling convention of System V.
 *
 * Compilers keep many of the 16 words of the state in memory, for want of registers and because of the order in which
 * they put the instructions. Here one register is enough for two words that are not needed at the same time, v8 and
 * v10, which change places once in half a round. All others have a register of their own. Two of the four functions
 * G that are independent of each other go side by side, and each message word is added as soon as its register
 * allows it, before the sum is needed: that order was the fastest of those tried.
 */
#if defined(__x86_64__) && defined(__LP64__)

#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

#define V0 %rax
#define V1 %rbx
#define V2 %rcx
#define V3 %rdx
#define V4 %rsi
#define V5 %rdi
#define V6 %rbp
#define V7 %r8
#define V8_V10 %r9
#define V9 %r10
#define V11 %r11
#define V12 %r12
#define V13 %r13
#define V14 %r14
#define V15 %r15

/* The frame. The message and the saved words are wiped at the end. */
#define MESSAGE(word) 8 * (word)(%rsp)
#define SAVED_V8 128(%rsp)
#define SAVED_V10 136(%rsp)
#define STATE 144(%rsp)
#define INPUT 152(%rsp)
#define COUNT 160(%rsp)
#define COUNTER 168(%rsp)
#define FRAME_BYTES 184 /* with six saved registers and the return address a multiple of 16 */

	.text

/* One half of two functions G; next0 and next1: message words of the other half. */
.macro half a0, b0, c0, d0, a1, b1, c1, d1, d_by, b_by, next0, next1
	addq	\b0, \a0
	addq	\b1, \a1
	xorq	\a0, \d0
	.ifnb	\next0
	addq	MESSAGE(\next0), \a0
	.endif
	xorq	\a1, \d1
	.ifnb	\next1
	addq	MESSAGE(\next1), \a1
	.endif
	rorq	$\d_by, \d0
	rorq	$\d_by, \d1
	addq	\d0, \c0
	addq	\d1, \c1
	xorq	\c0, \b0
	xorq	\c1, \b1
	rorq	$\b_by, \b0
	rorq	$\b_by, \b1
.endm

.macro pair a0, b0, c0, d0, a1, b1, c1, d1, x0, y0, x1, y1
	addq	MESSAGE(\x0), \a0
	addq	MESSAGE(\x1), \a1
	half	\a0, \b0, \c0, \d0, \a1, \b1, \c1, \d1, 32, 24, \y0, \y1
	half	\a0, \b0, \c0, \d0, \a1, \b1, \c1, \d1, 16, 63
.endm

/* V8_V10 is v8 before and after. */
.macro round s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15
	pair	V0, V4, V8_V10, V12, V1, V5, V9, V13, \s0, \s1, \s2, \s3
	movq	V8_V10, SAVED_V8
	movq	SAVED_V10, V8_V10
	pair	V2, V6, V8_V10, V14, V3, V7, V11, V15, \s4, \s5, \s6, \s7
	pair	V0, V5, V8_V10, V15, V1, V6, V11, V12, \s8, \s9, \s10, \s11
	movq	V8_V10, SAVED_V10
	movq	SAVED_V8, V8_V10
	pair	V2, V7, V8_V10, V13, V3, V4, V9, V14, \s12, \s13, \s14, \s15
.endm

	.globl	blake2b_blocks_x86_64
	.hidden	blake2b_blocks_x86_64
	.type	blake2b_blocks_x86_64, @function
	.p2align 5
blake2b_blocks_x86_64:
	.cfi_startproc
	_CET_ENDBR
	.irp	saved, %rbx, %rbp, %r12, %r13, %r14, %r15
	pushq	\saved
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \saved, 0
	.endr
	subq	$FRAME_BYTES, %rsp
	.cfi_adjust_cfa_offset FRAME_BYTES
	movq	%rdi, STATE
	movq	%rsi, INPUT
	movq	%rdx, COUNT
	movq	%rcx, COUNTER

.Lblock:
	movq	INPUT, %rsi
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	movups	16 * \i(%rsi), %xmm\i
	.endr
	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	movaps	%xmm\i, 16 * \i(%rsp)
	.endr
	movq	STATE, %rdi
	leaq	.Linitial(%rip), %rsi
	movq	16(%rsi), V8_V10
	movq	V8_V10, SAVED_V10
	movq	0(%rsi), V8_V10
	movq	8(%rsi), V9
	movq	24(%rsi), V11
	movq	32(%rsi), V12
	xorq	COUNTER, V12
	movq	40(%rsi), V13
	movq	48(%rsi), V14
	movq	56(%rsi), V15
	movq	0(%rdi), V0
	movq	8(%rdi), V1
	movq	16(%rdi), V2
	movq	24(%rdi), V3
	movq	32(%rdi), V4
	movq	48(%rdi), V6
	movq	56(%rdi), V7
	movq	40(%rdi), V5

	round	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	round	14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3
	round	11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4
	round	7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8
	round	9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13
	round	2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9
	round	12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11
	round	13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10
	round	6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5
	round	10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0
	round	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	round	14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3

	xorq	V8_V10, V0
	xorq	V9, V1
	xorq	SAVED_V10, V2
	xorq	V11, V3
	xorq	V12, V4
	xorq	V13, V5
	xorq	V14, V6
	xorq	V15, V7
	movq	STATE, %r15
	xorq	V0, 0(%r15)
	xorq	V1, 8(%r15)
	xorq	V2, 16(%r15)
	xorq	V3, 24(%r15)
	xorq	V4, 32(%r15)
	xorq	V5, 40(%r15)
	xorq	V6, 48(%r15)
	xorq	V7, 56(%r15)
	addq	$128, INPUT
	addq	$128, COUNTER
	decq	COUNT
	jnz	.Lblock

	.irp	i, 0, 1, 2, 3, 4, 5, 6, 7
	pxor	%xmm\i, %xmm\i
	.endr
	.irp	at, 0, 16, 32, 48, 64, 80, 96, 112, 128
	movaps	%xmm0, \at(%rsp)
	.endr
	.irp	secret, %rax, %rcx, %rdx, %rsi, %rdi, %r8, %r9, %r10, %r11
	xorq	\secret, \secret
	.endr
	addq	$FRAME_BYTES, %rsp
	.cfi_adjust_cfa_offset -FRAME_BYTES
	.irp	saved, %r15, %r14, %r13, %r12, %rbp, %rbx
	popq	\saved
	.cfi_adjust_cfa_offset -8
	.cfi_restore \saved
	.endr
	ret
	.cfi_endproc
	.size	blake2b_blocks_x86_64, . - blake2b_blocks_x86_64

	.section .rodata
	.p2align 6
.Linitial:
	.quad	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1
	.quad	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179

#endif

	.section .note.GNU-stack, "", %progbits
