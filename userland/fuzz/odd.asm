; Instructions that a kernel does not expect, and where a child begins.
;
; Each of them stands by itself, and its task exits after it, if it gets so far.

global fuzz_entry, odd_start, odd_places, odd_count
extern fuzz_child

EXIT equ 1
YIELD equ 0

section .text
fuzz_entry:
    mov rdi, rsp
    xor ebp, ebp
    and rsp, -16
    call fuzz_child
    ud2

; An instruction, or several that are separated by commas.
%assign odd_number 0
%macro ODD 1-*
section .rodata
    dd %%here - odd_start
section .text
%%here:
%rep %0
    %1
%rotate 1
%endrep
    jmp odd_end
%assign odd_number odd_number + 1
%endmacro

section .rodata align=8
odd_places:

section .text
align 16
odd_start:
    ; What only the kernel may.
    ODD hlt
    ODD cli
    ODD sti
    ODD {mov rax, cr0}
    ODD {mov cr3, rax}
    ODD {mov rax, cr4}
    ODD {mov cr8, rax}
    ODD {mov rax, dr0}
    ODD {mov dr7, rax}
    ODD clts
    ODD invd
    ODD wbinvd
    ODD {invlpg [rsp]}
    ODD {lgdt [rsp]}
    ODD {lidt [rsp]}
    ODD {lldt ax}
    ODD {ltr ax}
    ODD {lmsw ax}
    ODD {mov ecx, 0xc0000082}, rdmsr
    ODD {mov ecx, 0xc0000082}, wrmsr
    ODD {xor ecx, ecx}, rdpmc
    ODD {xor ecx, ecx}, {db 0x0f, 0x01, 0xd1} ; xsetbv
    ODD swapgs
    ODD sysexit
    ODD {o64 sysret}
    ODD {db 0x0f, 0x34}                 ; sysenter
    ODD {in al, 0x60}
    ODD {mov edx, 0x64}, {mov al, 0xfe}, {out dx, al}
    ODD {mov edx, 0x3f8}, insb
    ODD {mov edx, 0x3f8}, {rep outsb}
    ODD {db 0x0f, 0x01, 0xca}           ; clac
    ODD {db 0x0f, 0x01, 0xcb}           ; stac

    ; What tells of the kernel, or should not.
    ODD {sgdt [rsp - 16]}
    ODD {sidt [rsp - 16]}
    ODD {sldt eax}
    ODD {str eax}
    ODD {smsw eax}
    ODD rdtsc, rdtscp
    ODD {xor eax, eax}, cpuid
    ODD {mov eax, 8}, {lar ecx, eax}, {lsl ecx, eax}, {verr ax}

    ; Segments, GS above all.
    ODD {xor eax, eax}, {mov gs, ax}, {mov fs, ax}
    ODD {mov eax, 3}, {mov gs, ax}
    ODD {mov eax, 8}, {mov gs, ax}
    ODD {mov eax, 8}, {mov ds, ax}
    ODD {mov eax, 0x10}, {mov ss, ax}
    ODD {xor eax, eax}, {mov ss, ax}
    ODD {mov rax, -1 << 47}, {wrgsbase rax}
    ODD {mov rax, 1 << 47}, {wrgsbase rax}
    ODD {xor eax, eax}, {wrgsbase rax}, {wrfsbase rax}
    ODD {push 8}, {push 0}, {o64 retf}
    ODD {push 0x10}, {push 0}, {push 2}, {push 8}, {push 0}, iretq
    ODD {push 0x33}, {push 0}, iretq

    ; Flags that a system call or an interrupt finds.
%macro WITH_FLAGS 1
    ODD {mov eax, YIELD}, pushfq, {or dword [rsp], %1}, popfq, syscall, nop, nop
%endmacro
    WITH_FLAGS 1 << 8                   ; TF
    WITH_FLAGS 1 << 10                  ; DF
    WITH_FLAGS 3 << 12                  ; IOPL
    WITH_FLAGS 1 << 14                  ; NT
    WITH_FLAGS 1 << 16                  ; RF
    WITH_FLAGS 1 << 17                  ; VM
    WITH_FLAGS 1 << 18                  ; AC
    WITH_FLAGS 3 << 19                  ; VIF, VIP
    WITH_FLAGS 1 << 21                  ; ID
    WITH_FLAGS 0x3f7fd5
    ODD pushfq, {or dword [rsp], 1 << 14}, popfq, int3
    ODD pushfq, {or dword [rsp], 1 << 18}, popfq, {mov [rsp - 13], rax}
    ODD pushfq, {or dword [rsp], 1 << 8}, popfq, int3
    ODD pushfq, {or dword [rsp], 1 << 8}, popfq, {mov eax, ss}, {mov ss, eax}, syscall

    ; Stacks that are none.
    ODD {xor esp, esp}, {mov eax, YIELD}, syscall, {push rax}
    ODD {mov rsp, 1 << 47}, {mov eax, YIELD}, syscall, {push rax}
    ODD {mov rsp, -1 << 47}, {mov eax, YIELD}, syscall, {push rax}
    ODD {mov rsp, -1}, {mov eax, YIELD}, syscall, {push rax}
    ODD {mov rsp, -1 << 31}, int3
    ODD {mov rsp, 1 << 47}, {call odd_start}

    ; Places where there is nothing, or nothing for a program.
    ODD {mov rax, 1 << 47}, {jmp rax}
    ODD {mov rax, (1 << 47) - 2}, {jmp rax}
    ODD {mov rax, -1 << 31}, {jmp rax}
    ODD {mov rax, -1 << 47}, {mov rax, [rax]}
    ODD {mov rax, 1 << 47}, {mov [rax], rax}
    ODD {xor eax, eax}, {jmp rax}
    ODD {jmp rsp}
    ODD {lea rax, [rel odd_start]}, {mov [rax], al}
    ODD {lea rdi, [rel odd_start]}, {mov ecx, 1 << 20}, {rep stosb}
    ODD {lea rsi, [rel odd_start]}, {mov ecx, 1 << 20}, {rep lodsb}

    ; Mistakes of calculation, and no instructions at all.
    ODD {xor eax, eax}, {xor edx, edx}, {div rdx}
    ODD {mov edx, -1}, {mov rax, 1 << 63}, {mov ecx, 1}, {div rcx}
    ODD ud2
    ODD {db 0x0f, 0xb9, 0xc0}           ; ud1
    ODD {db 0x0f, 0xff, 0xc0}           ; ud0
    ODD {db 0x06}                       ; push es, once
    ODD {db 0xce}                       ; into, once
    ODD {db 0xea, 0, 0, 0, 0, 8, 0}     ; a far jump, once
    ODD {db 0x9a, 0, 0, 0, 0, 8, 0}     ; a far call, once
    ODD {db 0xc4, 0xff, 0xff}
    ODD {db 0x62, 0xff, 0xff, 0xff}
    ODD {db 0xf0}, nop                  ; lock nop
    ODD {times 16 db 0x66}, nop         ; longer than 15 bytes
    ODD {db 0xf1}                       ; int1
    ODD {db 0x0f, 0xaa}                 ; rsm
    ODD {db 0x0f, 0x37}                 ; getsec
    ODD {db 0x0f, 0x01, 0xc1}           ; vmcall
    ODD {db 0x0f, 0x01, 0xd8}           ; vmrun
    ODD {db 0x0f, 0x01, 0xd9}           ; vmmcall
    ODD {db 0x0f, 0x01, 0xc8}           ; monitor
    ODD {db 0x0f, 0x01, 0xc9}           ; mwait
    ODD pause, {db 0xf3, 0x0f, 0x1e, 0xfa}

    ; Numbers with points, whoever may have them.
    ODD fninit, fld1, fwait
    ODD emms
    ODD {movaps xmm0, xmm1}
    ODD {movups [rsp - 32], xmm7}
    ODD {movaps [rsp - 31], xmm7}
    ODD {ldmxcsr [rel odd_start]}
    ODD {fxsave [rsp - 512]}
    ODD {xor ecx, ecx}, xgetbv
    ODD {mov eax, -1}, {mov edx, eax}, {xsave [rsp - 1024]}
    ODD {vpxor ymm0, ymm0, ymm0}

    ; System calls from where one does not make them, and with rubbish.
    ODD {mov rax, -1}, syscall
    ODD {mov eax, YIELD}, {db 0x48, 0x0f, 0x05}
    ODD {mov eax, EXIT}, syscall, {mov eax, EXIT}, syscall
    ODD {db 0xf3, 0x0f, 0x05}

%assign vector 0
%rep 256
    ODD {int vector}
%assign vector vector + 1
%endrep

odd_end:
    mov eax, EXIT
    syscall
    jmp odd_end

section .rodata
odd_count:
    dd odd_number

section .note.GNU-stack noalloc noexec nowrite progbits
